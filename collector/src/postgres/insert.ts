import { arrayLiteral } from './array-literal.ts'
import { copyText } from './copy-text.ts'
import type { Database } from './queryable.ts'
import type { Table } from './rows.ts'
import { sqlState } from './sqlstate.ts'

/** Appends rows to a table, all or nothing; those whose key is there already are left out. */
export type Insert = <R>(table: Table<R>, records: readonly R[]) => Promise<void>

/** From about this many rows on the four round trips of COPY are worth what it saves the server. [measured: bench/ingest.ts] */
const COPY_ROWS_MIN = 1_000

/**
 * ```
 *  few rows, PGlite ──► INSERT … SELECT FROM UNNEST (one prepared statement for any number of rows)
 *  many rows        ──► COPY ──► temporary table ──► INSERT … SELECT (COPY itself cannot skip what is there)
 * ```
 * A user who may make no temporary tables gets the first way for all.
 */
export function createInsert(database: Database): Insert {
  let mayCopy = database.kind === 'postgres'

  return async function insert(table, records) {
    if (mayCopy && records.length >= COPY_ROWS_MIN) {
      try {
        return await insertByCopy(database, table, copyText(table, records))
      } catch (error) {
        if (sqlState(error) !== INSUFFICIENT_PRIVILEGE) throw error
        mayCopy = false
      }
    }
    const arrays = table.columns.map(({ cell }) => arrayLiteral(records.map(cell)))
    await database.query(unnestSql(table), arrays, { name: `insert_${table.name}` })
  }
}

const INSUFFICIENT_PRIVILEGE = '42501'

async function insertByCopy<R>(database: Database, table: Table<R>, text: string): Promise<void> {
  const staged = `staged_${table.name}`
  const names = namesOf(table)
  await database.transaction(async (tx) => {
    // From the columns alone: LIKE would ask for the right to read the table.
    const columns = table.columns.map(({ name, type }) => `${name} ${type}`).join(', ')
    await tx.query(`CREATE TEMPORARY TABLE IF NOT EXISTS ${staged} (${columns}) ON COMMIT DELETE ROWS`)
    await tx.copy(`COPY ${staged} (${names}) FROM STDIN`, text)
    const sql = `INSERT INTO ${table.name} (${names}) SELECT ${names} FROM ${staged} ON CONFLICT DO NOTHING`
    await tx.query(sql, [], { name: `move_${table.name}` })
  })
}

function unnestSql<R>(table: Table<R>): string {
  const arrays = table.columns.map(({ type }, index) => `$${index + 1}::${type}[]`).join(', ')
  return `INSERT INTO ${table.name} (${namesOf(table)}) SELECT * FROM UNNEST(${arrays}) ON CONFLICT DO NOTHING`
}

function namesOf<R>({ columns }: Table<R>): string {
  return columns.map(({ name }) => name).join(', ')
}
