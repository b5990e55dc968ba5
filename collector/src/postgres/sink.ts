import { createHash } from 'node:crypto'
import type { Outcome } from '../../../src/wire/outcome.ts'
import { asError } from '../as-error.ts'
import type { Batch, LogRecord, Sink, Value } from '../batch.ts'
import { type Level, lowestSeverity, severityOf } from '../level.ts'
import { createPatience } from '../patience.ts'
import { storableJson, storableText } from '../storable.ts'
import { dayOf } from './day-partition.ts'
import { createGathering, type Gathered } from './gather.ts'
import { createInsert, type Insert, type Rows } from './insert.ts'
import type { Partitions } from './partitions.ts'
import { abandonable, type Database } from './queryable.ts'
import { LOGS, METRIC_POINTS, SPANS, type Table } from './rows.ts'
import { sqlState, type Verdict, verdict } from './sqlstate.ts'

export type PostgresSinkOptions = {
  readonly database: Database
  readonly partitions: Partitions
  /** Milder log records are accepted and left out. */
  readonly logLevel: Level
}

/** Rows and bytes of a statement, about. Larger ones gain nothing, and hold what waits behind them longer. [measured: bench/ingest.ts] */
const ROWS_PER_STATEMENT = 2_500
const BYTES_PER_STATEMENT = 8 * 2 ** 20
/** Statements of one table at the same time: while the server works on two, the next is written. [measured: bench/ingest.ts; two of 5,000 rows are a tenth slower] */
const LANES = 3
/** What `partial_success` says is read by people. */
const REASONS_TOLD = 3

type Rejection = { readonly code: string; readonly reason: string }

/**
 * Stores a batch: `ok` when all of it is committed. Rows that PostgreSQL can never take are kept in `dead_letters` with
 * the reason and reported as rejected; everything that may pass is `retry`. Sending again changes nothing, because
 * every row has its key from its record. Requests that come while the database is busy share a statement.
 *
 * An unknown fault may pass as well, but not for ever: when a batch has met it ten times, the rows that meet it go to
 * `dead_letters`, so that a bug never blocks a sender's queue. A database that is down takes no dead letters either.
 */
export function postgresSink({ database, partitions, logLevel }: PostgresSinkOptions): Sink {
  const severityMin = logLevel === 'DEBUG' ? 0 : lowestSeverity(logLevel)
  const patience = createPatience()
  const insert = createInsert(database)
  const open = <R extends Value>(table: Table<R>): Shelf<R> => openShelf({ database, partitions, insert, table })
  const [logs, spans, points] = [open(LOGS), open(SPANS), open(METRIC_POINTS)]

  async function write(batch: Batch, how: Manner): Promise<Outcome> {
    const load = <R>(records: () => readonly R[]) => ({
      ...how,
      records,
      count: records().length,
      bytes: batch.source?.bytes.length ?? 0,
      release: () => batch.release?.(),
    })
    if (batch.signal === 'traces') {
      const all = load(() => batch.records)
      return accepted(await store(spans, all))
    }
    if (batch.signal === 'metrics') {
      const all = load(() => batch.records)
      return accepted(await store(points, all))
    }
    const isWanted = (record: LogRecord) => severityOf(record) >= severityMin
    const wanted = load(severityMin === 0 ? () => batch.records : () => batch.records.filter(isWanted))
    const belowLevel = batch.records.length - wanted.count
    return accepted(await store(logs, wanted), belowLevel)
  }

  async function attempt(batch: Batch, how: Manner): Promise<Outcome> {
    try {
      return await write(batch, how)
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

type ShelfOptions<R> = {
  readonly database: Database
  readonly partitions: Partitions
  readonly insert: Insert
  readonly table: Table<R>
}

/** A table, and the way of rows into it that requests share. */
type Shelf<R> = ShelfOptions<R> & { readonly together: Gathered<Rows<R>> }

function openShelf<R>(options: ShelfOptions<R>): Shelf<R> {
  const { insert, table } = options
  const run = (rows: readonly Rows<R>[]) => insert.append(table, rows)
  return { ...options, together: createGathering({ run, lanes: LANES, countMax: ROWS_PER_STATEMENT, bytesMax: BYTES_PER_STATEMENT }) }
}

type Load<R> = Manner & {
  /** Not kept by whoever waits for the database: see {@link Batch}. */
  readonly records: () => readonly R[]
  readonly count: number
  readonly bytes: number
}

async function store<R extends Value>(shelf: Shelf<R>, load: Load<R> & { readonly release: () => void }): Promise<readonly Rejection[]> {
  await shelf.partitions.ensure(shelf.table, daysOf(shelf.table, load.records()))
  const parts = cut(load)
  const rejections = parts.map((part) => insertShared(shelf, part))
  if (parts.every(({ count }) => shelf.insert.copies(count))) load.release()
  return (await Promise.all(rejections)).flat()
}

/** Into as many loads as it takes statements. */
function cut<R>({ records, count, bytes, ...how }: Load<R>): Load<R>[] {
  const statements = Math.max(Math.ceil(count / ROWS_PER_STATEMENT), Math.ceil(bytes / BYTES_PER_STATEMENT))
  const rows = Math.ceil(count / statements)
  const starts = Array.from({ length: statements }, (_, index) => index * rows).filter((start) => start < count)
  return starts.map((start) => ({
    ...how,
    records: () => records().slice(start, start + rows),
    count: Math.min(rows, count - start),
    bytes: bytes / statements,
  }))
}

/** Shares statements with other requests; what may be the fault of a row is tried again without them, so that it hits nobody else. */
async function insertShared<R extends Value>(shelf: Shelf<R>, load: Load<R>): Promise<readonly Rejection[]> {
  try {
    await putTogether(shelf, load)
    return []
  } catch (error) {
    if (verdict(error).kind === 'retry') throw error
    return await insertOrBisect(shelf, load, load.records())
  }
}

/** Not async, so that nothing keeps the records while it waits. */
function putTogether<R>({ insert, table, together }: Shelf<R>, load: Load<R>): Promise<void> {
  return together(insert.rows(table, load.records), load)
}

/** Halves what is refused until the poison rows are alone; the good halves are stored. */
async function insertOrBisect<R extends Value>(shelf: Shelf<R>, how: Manner, records: readonly R[]): Promise<readonly Rejection[]> {
  const { table, insert } = shelf
  const { signal, hopeless } = how
  signal.throwIfAborted()
  try {
    await abandonable(insert.append(table, [insert.rows(table, () => records)]), signal)
    return []
  } catch (error) {
    if (!hopeless.includes(verdict(error).kind)) throw error
    if (records.length === 1) return [await bury(shelf, records[0]!, { error: asError(error), signal })]
    const half = records.length >> 1
    const first = await insertOrBisect(shelf, how, records.slice(0, half))
    return [...first, ...(await insertOrBisect(shelf, how, records.slice(half)))]
  }
}

function daysOf<R>({ timeUs }: Table<R>, records: readonly R[]): Set<number> {
  const days = new Set<number>()
  for (const record of records) days.add(dayOf(timeUs(record)))
  return days
}

const NOT_NULL_VIOLATION = '23502'

/** Keeps a record that no table takes, under an id from its content: sent again, it is the same dead letter. */
async function bury<R extends Value>(
  { database, table }: Shelf<R>,
  record: R,
  { error, signal }: { error: Error; signal: AbortSignal },
): Promise<Rejection> {
  const code = sqlState(error)
  const isTimeless = code === NOT_NULL_VIOLATION && table.timeUs(record) === 0
  const rejection = { code, reason: isTimeless ? 'the record has no time' : storableText(error.message) }
  const text = storableJson(record)
  const id = createHash('sha256').update(table.name).update(text).digest('hex').slice(0, 32)
  await database.query(
    'INSERT INTO dead_letters (id, signal, code, reason, record) VALUES ($1::uuid, $2, $3, $4, $5) ON CONFLICT DO NOTHING',
    [id, table.name, rejection.code, rejection.reason, text],
    { signal },
  )
  return rejection
}

function accepted(rejections: readonly Rejection[], belowLevel = 0): Outcome {
  const ok: Outcome = { kind: 'ok', ...(belowLevel > 0 && { belowLevel }) }
  if (rejections.length === 0) return ok
  const reasons = [...new Set(rejections.map(({ code, reason }) => `${reason} (SQLSTATE ${code})`))]
  const message = `PostgreSQL cannot store them, they are kept in dead_letters: ${reasons.slice(0, REASONS_TOLD).join('; ')}`
  return { ...ok, rejected: { count: rejections.length, message } }
}
