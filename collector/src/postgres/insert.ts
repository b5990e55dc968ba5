import { arrayLiteral } from './array-literal.ts'
import { copyRows } from './copy-rows.ts'
import type { Database } from './queryable.ts'
import type { Table } from './rows.ts'
import { sqlState } from './sqlstate.ts'

/** Records on their way into a table. */
export type Rows<R> = {
  readonly count: number
  /** Their text, where there are enough of them for COPY and the database takes it. */
  readonly copyable?: readonly Uint8Array[]
  readonly records: () => readonly R[]
}

export type Insert = {
  /** Whether so many records become text at once and are not asked for again but for a fault. */
  copies(count: number): boolean
  /** Makes rows of records, which the rows may ask for again, seldom. */
  rows<R>(table: Table<R>, records: () => readonly R[]): Rows<R>
  /** Appends rows to a table, all or nothing; those whose key is there already are left out. */
  append<R>(table: Table<R>, rows: readonly Rows<R>[]): Promise<void>
}

/** From about so many rows on it is worth its own way to the server, and its round trips. [measured: bench/ingest.ts] */
const COPY_ROWS_MIN = 200
const STAGE_ROWS_MIN = 1_000
/** After rows that were there already, more of them are to be expected: a sender repeats what it has in its queue. */
const CAREFUL_MS = 30_000

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const STATE = { uniqueViolation: '23505', deadlock: '40P01', notSupported: '0A000', noPrivilege: '42501' }

/**
 * ```
 *  many rows        ──► COPY ──► the table         refused whole where a row is there already
 *  of late refused  ──► COPY ──► temporary table ──► INSERT … SELECT … ON CONFLICT DO NOTHING
 *  few rows, PGlite ──► INSERT … SELECT FROM UNNEST … ON CONFLICT DO NOTHING
 * ```
 * The first takes a quarter less of the server than the second (docs/decisions/copy.md). A table with row-level security takes
 * no COPY, and a user may be allowed no temporary tables: then the next way is taken, and for good.
 */
export function createInsert(database: Database): Insert {
  const may = { copy: database.kind === 'postgres', stage: database.kind === 'postgres' }
  let carefulUntilMs = 0

  function learn(error: unknown): void {
    const state = sqlState(error)
    if (state === STATE.uniqueViolation || state === STATE.deadlock) carefulUntilMs = performance.now() + CAREFUL_MS
    else if (state === STATE.notSupported) may.copy = false
    else throw error
  }

  const copies = (count: number) => count >= COPY_ROWS_MIN && (may.copy || may.stage)

  return {
    copies,
    rows(table, records) {
      const given = records()
      const count = given.length
      return copies(count) ? { count, copyable: copyRows(table, given), records } : { count, records }
    },
    async append(table, rows) {
      const count = rows.reduce((sum, each) => sum + each.count, 0)
      if (may.copy && count >= COPY_ROWS_MIN && performance.now() >= carefulUntilMs) {
        try {
          return await database.copy(copySql(table.name, table), copyable(table, rows))
        } catch (error) {
          learn(error)
        }
      }
      if (may.stage && count >= STAGE_ROWS_MIN) {
        try {
          return await insertStaged(database, table, rows)
        } catch (error) {
          if (sqlState(error) !== STATE.noPrivilege) throw error
          may.stage = false
        }
      }
      const records = rows.flatMap((each) => each.records())
      const arrays = table.columns.map(({ cell }) => arrayLiteral(records.map(cell)))
      await database.query(unnestSql(table), arrays, { name: `insert_${table.name}` })
    },
  }
}

function copyable<R>(table: Table<R>, rows: readonly Rows<R>[]): readonly Uint8Array[] {
  return rows.flatMap((each) => each.copyable ?? copyRows(table, each.records()))
}

async function insertStaged<R>(database: Database, table: Table<R>, rows: readonly Rows<R>[]): Promise<void> {
  const staged = `staged_${table.name}`
  const names = namesOf(table)
  await database.transaction(async (tx) => {
    // From the columns alone: LIKE would ask for the right to read the table.
    const columns = table.columns.map(({ name, type }) => `${name} ${type}`).join(', ')
    await tx.query(`CREATE TEMPORARY TABLE IF NOT EXISTS ${staged} (${columns}) ON COMMIT DELETE ROWS`)
    await tx.copy(copySql(staged, table), copyable(table, rows))
    const sql = `INSERT INTO ${table.name} (${names}) SELECT ${names} FROM ${staged} ON CONFLICT DO NOTHING`
    await tx.query(sql, [], { name: `move_${table.name}` })
  })
}

function copySql<R>(target: string, table: Table<R>): string {
  return `COPY ${target} (${namesOf(table)}) FROM STDIN`
}

function unnestSql<R>(table: Table<R>): string {
  const arrays = table.columns.map(({ type }, index) => `$${index + 1}::${type}[]`).join(', ')
  return `INSERT INTO ${table.name} (${namesOf(table)}) SELECT * FROM UNNEST(${arrays}) ON CONFLICT DO NOTHING`
}

function namesOf<R>({ columns }: Table<R>): string {
  return columns.map(({ name }) => name).join(', ')
}
