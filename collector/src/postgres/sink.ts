import { createHash } from 'node:crypto'
import type { Outcome } from '../../../src/wire/outcome.ts'
import type { Batch, Sink, Value } from '../batch.ts'
import { type Level, lowestSeverity, severityOf } from '../level.ts'
import { createPatience } from '../patience.ts'
import { storableJson, storableText } from '../storable.ts'
import { arrayLiteral } from './array-literal.ts'
import { dayOf, type Partitions } from './partitions.ts'
import type { Database } from './queryable.ts'
import { LOGS, METRIC_POINTS, SPANS, type Table, toColumns } from './rows.ts'
import { sqlState, type Verdict, verdict } from './sqlstate.ts'

export type PostgresSinkOptions = {
  readonly database: Database
  readonly partitions: Partitions
  /** Milder log records are accepted and left out. */
  readonly logLevel: Level
}

/** Above about this many rows a statement gains nothing, and a poison row costs more to find. */
const ROWS_PER_STATEMENT = 1_000
/** What `partial_success` says is read by people. */
const REASONS_TOLD = 3

type Rejection = { readonly code: string; readonly reason: string }

/**
 * Stores a batch: `ok` when all of it is committed. Rows that PostgreSQL can never take are kept in `dead_letters` with
 * the reason and reported as rejected; everything that may pass is `retry`. Sending again changes nothing, because
 * every row has its key from its record.
 *
 * An unknown fault may pass as well, but not for ever: when a batch has met it ten times, the rows that meet it go to
 * `dead_letters`, so that a bug never blocks a sender's queue. A database that is down takes no dead letters either.
 */
export function postgresSink({ database, partitions, logLevel }: PostgresSinkOptions): Sink {
  const severityMin = logLevel === 'DEBUG' ? 0 : lowestSeverity(logLevel)
  const patience = createPatience()

  async function write(batch: Batch, how: Manner): Promise<readonly Rejection[]> {
    const target = { database, partitions, ...how }
    if (batch.signal === 'traces') return await store({ ...target, table: SPANS }, batch.records)
    if (batch.signal === 'metrics') return await store({ ...target, table: METRIC_POINTS }, batch.records)
    const wanted = batch.records.filter((record) => severityOf(record) >= severityMin)
    return await store({ ...target, table: LOGS }, wanted)
  }

  async function attempt(batch: Batch, how: Manner): Promise<Outcome> {
    try {
      return accepted(await write(batch, how))
    } catch (cause) {
      const [found, error] = [verdict(cause), asError(cause)]
      if (found.kind === 'fault' && how.hopeless === POISON_ONLY && patience.isOver(batch, error))
        return await attempt(batch, { ...how, hopeless: POISON_AND_FAULTS })
      return { kind: 'retry', afterMs: found.kind === 'poison' ? 1_000 : found.afterMs, error }
    }
  }

  return async function storeBatch(batch, signal) {
    return await attempt(batch, { signal, hopeless: POISON_ONLY })
  }
}

type Manner = {
  readonly signal: AbortSignal
  /** Errors that make a row a dead letter. */
  readonly hopeless: readonly Verdict['kind'][]
}

const POISON_ONLY: Manner['hopeless'] = ['poison']
const POISON_AND_FAULTS: Manner['hopeless'] = ['poison', 'fault']

type Target<R> = Manner & {
  readonly database: Database
  readonly partitions: Partitions
  readonly table: Table<R>
}

async function store<R extends Value>(target: Target<R>, records: readonly R[]): Promise<readonly Rejection[]> {
  await target.partitions.ensure(target.table, new Set(records.map((record) => dayOf(target.table.timeUs(record)))))
  const rejections: Rejection[] = []
  for (let start = 0; start < records.length; start += ROWS_PER_STATEMENT) {
    rejections.push(...(await insertOrBisect(target, records.slice(start, start + ROWS_PER_STATEMENT))))
  }
  return rejections
}

/** Halves what is refused until the poison rows are alone; the good halves are stored. */
async function insertOrBisect<R extends Value>(target: Target<R>, records: readonly R[]): Promise<readonly Rejection[]> {
  target.signal.throwIfAborted()
  try {
    await insert(target, records)
    return []
  } catch (error) {
    if (!target.hopeless.includes(verdict(error).kind)) throw error
    if (records.length === 1) return [await bury(target, records[0]!, asError(error))]
    const half = records.length >> 1
    const first = await insertOrBisect(target, records.slice(0, half))
    return [...first, ...(await insertOrBisect(target, records.slice(half)))]
  }
}

async function insert<R extends Value>({ database, table, signal }: Target<R>, records: readonly R[]): Promise<void> {
  await database.query(insertSql(table), toColumns(table, records).map(arrayLiteral), { name: `insert_${table.name}`, signal })
}

/** One statement for any number of rows, so that each connection plans it once. */
function insertSql<R>({ name, columns }: Table<R>): string {
  const names = columns.map((column) => column.name).join(', ')
  const arrays = columns.map(({ type }, index) => `$${index + 1}::${type}[]`).join(', ')
  return `INSERT INTO ${name} (${names}) SELECT * FROM UNNEST(${arrays}) ON CONFLICT DO NOTHING`
}

/** Keeps a record that no table takes, under an id from its content: sent again, it is the same dead letter. */
async function bury<R extends Value>({ database, table, signal }: Target<R>, record: R, error: Error): Promise<Rejection> {
  const rejection = { code: sqlState(error), reason: storableText(error.message) }
  const text = storableJson(record)
  const id = createHash('sha256').update(table.name).update(text).digest('hex').slice(0, 32)
  await database.query(
    'INSERT INTO dead_letters (id, signal, code, reason, record) VALUES ($1::uuid, $2, $3, $4, $5) ON CONFLICT DO NOTHING',
    [id, table.name, rejection.code, rejection.reason, text],
    { signal },
  )
  return rejection
}

function accepted(rejections: readonly Rejection[]): Outcome {
  if (rejections.length === 0) return { kind: 'ok' }
  const reasons = [...new Set(rejections.map(({ code, reason }) => `${reason} (SQLSTATE ${code})`))]
  const message = `PostgreSQL cannot store them, they are kept in dead_letters: ${reasons.slice(0, REASONS_TOLD).join('; ')}`
  return { kind: 'ok', rejected: { count: rejections.length, message } }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
