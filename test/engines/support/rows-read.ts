import type { Queryable } from '../../../collector/src/postgres/queryable.ts'

type Plan = { readonly [key: string]: unknown }

/** How many rows the server has looked at in tables and indexes for the statements that `work` runs. Each is run a second time to see it. */
export async function rowsRead(database: Queryable, work: (recorded: Queryable) => Promise<unknown>): Promise<number> {
  let rows = 0
  await work({
    async query(sql, params) {
      const explained = await database.query<{ 'QUERY PLAN': readonly { Plan: Plan }[] }>(`EXPLAIN (ANALYZE, FORMAT JSON) ${sql}`, params)
      rows += countScanned(explained.rows[0]!['QUERY PLAN'][0]!.Plan)
      return await database.query(sql, params)
    },
  })
  return rows
}

const PER_LOOP = ['Actual Rows', 'Rows Removed by Filter', 'Rows Removed by Index Recheck']

function countScanned(plan: Plan): number {
  const own = String(plan['Node Type']).includes('Scan') ? PER_LOOP.reduce((sum, name) => sum + Number(plan[name] ?? 0), 0) : 0
  const below = Array.isArray(plan.Plans) ? plan.Plans.map(countScanned) : []
  return below.reduce((sum, rows) => sum + rows, own * Number(plan['Actual Loops'] ?? 0))
}
