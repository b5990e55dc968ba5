import type { Level } from '../log/levels.ts'
import { type CollectorClient, type CollectorOptions, openCollector } from './collector.ts'
import { CollectorError } from './collector-error.ts'
import { at } from './json.ts'

export type { Level } from '../log/levels.ts'
export type { CollectorOptions } from './collector.ts'
// biome-ignore lint/performance/noBarrelFile: who catches it needs the class, and this module is the entry
export { CollectorError, type CollectorErrorCode } from './collector-error.ts'

/** Which log records; without any of these all of them. The names are those of the collector's `GET /api/logs`. */
export type LogQuery = {
  readonly request_id?: string | number | undefined
  readonly user_id?: string | number | undefined
  /** This level, not those above it. */
  readonly level?: Level | undefined
  /** 32 hex digits. */
  readonly trace_id?: string | undefined
  /** `service.name` of the process that has logged. */
  readonly service?: string | undefined
  /** Part of the message, in any case. */
  readonly q?: string | undefined
  /** Included. */
  readonly since?: Date | string | undefined
  /** Excluded. */
  readonly until?: Date | string | undefined
  /** Records at most, from 1 to 10,000. Default 100. */
  readonly limit?: number | undefined
}

/** A log record as the collector has it. */
export type StoredLog = {
  readonly id: string
  /** ISO 8601 in UTC with microseconds. */
  readonly timestamp: string
  readonly level: Level
  /** OpenTelemetry's number of the level, 1 to 24. */
  readonly severity: number
  readonly message: string
  /** Every attribute that has no field of its own here. */
  readonly metadata: Readonly<Record<string, unknown>>
  /** Name of the logger. */
  readonly source: string
  readonly request_id: string | null
  readonly user_id: string | null
  readonly trace_id: string | null
  readonly span_id: string | null
  readonly service: string
  readonly instance_id: string
  readonly event_name: string | null
}

const LIMIT = 100
const LIMIT_MAX = 10_000
/** What one answer of the collector may hold. */
const PAGE_ROWS_MAX = 1_000

/**
 * Log records from the collector, newest first.
 *
 * Rejects with {@link CollectorError}, whose `code` says why, or with the reason of `signal` when that came first.
 */
export async function getLogs(query: LogQuery = {}, options: CollectorOptions = {}): Promise<readonly StoredLog[]> {
  const { limit = LIMIT } = query
  if (!Number.isInteger(limit) || limit < 1 || limit > LIMIT_MAX)
    throw new CollectorError('INVALID_PARAMETER', `getLogs: limit must be a whole number from 1 to ${LIMIT_MAX}, not ${limit}`)
  return await readLogs(openCollector(options), query, limit)
}

/** {@link getLogs} from a collector that is open already; pages until there are `limit` records or no more. */
export async function readLogs(collector: CollectorClient, query: LogQuery, limit: number): Promise<readonly StoredLog[]> {
  const found: StoredLog[] = []
  const filter = { ...query, since: timeOf(query.since), until: timeOf(query.until) }
  let cursor: string | undefined
  do {
    const pageRows = Math.min(limit - found.length, PAGE_ROWS_MAX)
    const answer = await collector.get('/api/logs', { ...filter, limit: pageRows, cursor })
    const logs = at(answer, 'logs')
    if (!Array.isArray(logs))
      throw new CollectorError('NOT_A_COLLECTOR', `${collector.origin} answered without logs: it is no tts-otel-collector`)
    // Its own API, of the same release or a later one, which only adds fields.
    found.push(...(logs as readonly StoredLog[]))
    const next = at(answer, 'next_cursor')
    cursor = typeof next === 'string' && logs.length > 0 ? next : undefined
  } while (cursor !== undefined && found.length < limit)
  return found
}

function timeOf(time: Date | string | undefined): string | undefined {
  return time instanceof Date ? time.toISOString() : time
}
