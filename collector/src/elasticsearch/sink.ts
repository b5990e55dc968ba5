import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { Outcome } from '../../../src/wire/outcome.ts'
import { asError } from '../as-error.ts'
import type { LogRecord, Logs, Sink } from '../batch.ts'
import { eventTimeUs } from '../log-fields.ts'
import { createPages, type Place } from '../pages.ts'
import { createPatience } from '../patience.ts'
import { addEntry, BULK_BYTES_MAX, type Failure, idOfLines, writeAll } from './bulk.ts'
import type { Client } from './client.ts'
import { type DaysOptions, indexOf, outsideDays } from './days.ts'
import { bury, type Hopeless } from './dead-letters.ts'
import { toDocument } from './document.ts'
import { RefusalError, type Verdict, verdict } from './refusal.ts'

export type ElasticsearchSinkOptions = DaysOptions & {
  readonly client: Client
  /** Called before the first document of a day is written, with the name of its index: the template must be there then. */
  readonly beforeIndex: (index: string, signal: AbortSignal) => Promise<void>
}

/** Waits between the attempts for the documents that a busy server has put off; then it is the sender's turn to wait. */
const ROUND_DELAYS_MS = [200, 400, 800, 1_600]
/** Each round's bulks are this much smaller: a server refuses whole what is more than its memory for writes, however often it comes. */
const ROUND_DIVISOR = 4
/** Enough for a bulk to be worth its request and the server's write to disk, few enough that a usual batch of 5,000 is two. [measured: bench/elasticsearch.ts] */
const PART_RECORDS = 2_500
/** What `partial_success` says is read by people. */
const REASONS_TOLD = 3

/**
 * Stores log records: `ok` when all of them are in their day's index. Those that Elasticsearch can never take are kept in
 * the index of dead letters with the reason and reported as rejected; everything that may pass is `retry`. Sending again
 * changes nothing, because each document has its record's id and is only ever created.
 *
 * Of a bulk that is taken in part only the rest is tried again. As in PostgreSQL, a fault that a batch has met ten times
 * makes dead letters of the records that meet it. Spans and metric points have no place here and are rejected.
 */
export function elasticsearchSink(options: ElasticsearchSinkOptions): Sink {
  const patience = createPatience()

  async function attempt(batch: Logs, how: Manner): Promise<Outcome> {
    try {
      return accepted(await inParts(batch, (part) => storeOrHalve(part, options, how)), options.prefix)
    } catch (cause) {
      const [found, error] = [verdict(cause), asError(cause)]
      if (found.kind === 'fault' && how.hopeless === POISON_ONLY && patience.isOver(batch, error))
        return await attempt(batch, { ...how, hopeless: POISON_AND_FAULTS })
      return { kind: 'retry', afterMs: 'afterMs' in found ? found.afterMs : 1_000, error }
    }
  }

  return async function storeBatch(batch, signal) {
    if (batch.signal === 'logs') return await attempt(batch, { signal, hopeless: POISON_ONLY })
    const error = new Error(`Elasticsearch stores log records only; send ${batch.signal} to /v1/${batch.signal}`)
    return { kind: 'drop', reason: 'rejected', error }
  }
}

/** Records of a batch. Asked for, not kept by whoever waits for the server: see `Batch.release`. */
type Part = () => readonly LogRecord[]

/**
 * The server works on the first part while the next is made: a bulk of its own each, side by side. Then the batch lets its records
 * go. Rejects when one of them does, after all have ended.
 */
async function inParts<T>(batch: Logs, work: (part: Part) => Promise<readonly T[]>): Promise<readonly T[]> {
  const count = batch.records.length
  const parts: Promise<readonly T[] | Failed>[] = []
  for (let start = 0; start < count; start += PART_RECORDS) {
    parts.push(work(() => batch.records.slice(start, start + PART_RECORDS)).catch((reason: unknown) => ({ reason })))
    await nextTurn()
  }
  batch.release?.()
  return (await Promise.all(parts)).flatMap((part) => {
    if ('reason' in part) throw part.reason
    return part
  })
}

type Failed = { readonly reason: unknown }

type Manner = {
  readonly signal: AbortSignal
  /** Verdicts that make a document a dead letter. */
  readonly hopeless: readonly Verdict['kind'][]
}

const POISON_ONLY: Manner['hopeless'] = ['poison', 'too_large']
const POISON_AND_FAULTS: Manner['hopeless'] = ['poison', 'too_large', 'fault']

/** Halves what is refused as a whole, or what we fail at, until its record is alone and a dead letter; the others are stored. */
async function storeOrHalve(part: Part, options: ElasticsearchSinkOptions, how: Manner): Promise<readonly Hopeless[]> {
  try {
    return await store(part, options, how)
  } catch (error) {
    if (!how.hopeless.includes(verdict(error).kind)) throw error
    const records = part()
    const [record] = records
    if (record !== undefined && records.length === 1) {
      const hopeless = [toHopeless(record, error)]
      await bury(hopeless, { ...options, signal: how.signal })
      return hopeless
    }
    const half = records.length >> 1
    const first = await storeOrHalve(() => records.slice(0, half), options, how)
    return [...first, ...(await storeOrHalve(() => records.slice(half), options, how))]
  }
}

/** Gives what was made a dead letter. Throws when something is left that may pass. */
async function store(part: Part, options: ElasticsearchSinkOptions, how: Manner): Promise<readonly Hopeless[]> {
  const { client, beforeIndex } = options
  const { documents, indexes, hopeless } = prepare(part, options)
  for (const index of indexes) await beforeIndex(index, how.signal).catch((error: unknown) => Promise.reject(withoutBlame(error)))
  const { late, lost } = await writeInRounds(client, documents, how)
  hopeless.push(...giveUp(lost, part))
  // Before the rest is tried again: it may pass late, and each attempt would meet these anew.
  await bury(hopeless, { ...options, signal: how.signal })
  if (late.length > 0) throw late.find(({ error }) => verdict(error).kind === 'retry')?.error ?? late[0]!.error
  return hopeless
}

type Prepared = { readonly documents: readonly Place[]; readonly indexes: ReadonlySet<string>; readonly hopeless: Hopeless[] }

function prepare(part: Part, options: ElasticsearchSinkOptions): Prepared {
  const pages = createPages()
  const documents: Place[] = []
  const indexes = new Set<string>()
  const hopeless: Hopeless[] = []
  for (const record of part()) {
    const timeUs = eventTimeUs(record)
    const reason = outsideDays(timeUs, options)
    if (reason !== undefined) {
      hopeless.push({ record, code: 'time', reason, detail: '' })
      continue
    }
    const index = indexOf(options.prefix, timeUs)
    indexes.add(index)
    documents.push(addEntry(pages, toDocument(record, index)))
  }
  return { documents, indexes, hopeless }
}

type Written = {
  /** Put off for now. */
  readonly late: readonly Failure[]
  readonly lost: readonly Failure[]
}

/** Writes, and writes again what a busy server has put off. Faults wait for the next attempt of the whole batch. */
async function writeInRounds(client: Client, documents: readonly Place[], { signal, hopeless }: Manner): Promise<Written> {
  const late: Failure[] = []
  const lost: Failure[] = []
  let open = documents
  for (let round = 0; ; round++) {
    const busy: Failure[] = []
    const bytesMax = BULK_BYTES_MAX / ROUND_DIVISOR ** round
    for (const failure of await writeAll(client, open, { signal, bytesMax })) {
      const { kind } = verdict(failure.error)
      if (hopeless.includes(kind)) lost.push(failure)
      else if (kind === 'retry' && isBusy(failure.error)) busy.push(failure)
      else late.push(failure)
    }
    const delayMs = ROUND_DELAYS_MS[round]
    if (busy.length === 0 || delayMs === undefined) return { late: [...late, ...busy], lost }
    await sleep(delayMs, undefined, { signal })
    open = busy.map(({ lines }) => lines)
  }
}

/** It passes by itself and soon; a missing right or a blocked index does not, nor does what says when to come again. */
function isBusy({ status, afterMs }: RefusalError): boolean {
  return (status === 429 || status >= 500) && afterMs === undefined
}

/** A fault at our templates is no matter of the records that wait for them. */
function withoutBlame(error: unknown): Error {
  return verdict(error).kind === 'fault' ? new Error(asError(error).message, { cause: error }) : asError(error)
}

function giveUp(lost: readonly Failure[], part: Part): readonly Hopeless[] {
  const errors = new Map(lost.map(({ lines, error }) => [idOfLines(lines), error]))
  return errors.size === 0 ? [] : part().flatMap((record) => (errors.has(record.uid) ? [toHopeless(record, errors.get(record.uid))] : []))
}

function toHopeless(record: LogRecord, error: unknown): Hopeless {
  if (!(error instanceof RefusalError)) return { record, code: 'bug', reason: asError(error).message, detail: '' }
  return { record, code: error.type || String(error.status), reason: error.message, detail: error.detail }
}

function accepted(hopeless: readonly Hopeless[], prefix: string): Outcome {
  if (hopeless.length === 0) return { kind: 'ok' }
  const reasons = [...new Set(hopeless.map(({ reason }) => reason))]
  const message = `Elasticsearch cannot store them, they are kept in ${prefix}-dead-letters: ${reasons.slice(0, REASONS_TOLD).join('; ')}`
  return { kind: 'ok', rejected: { count: hopeless.length, message } }
}
