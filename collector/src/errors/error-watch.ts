import type { LogRecord } from '../batch.ts'
import type { ErrorReport } from '../error-report.ts'
import { lowestSeverity, severityOf } from '../level.ts'
import { eventTimeUs, idOf, messageOf, sourceOf } from '../log-fields.ts'
import { kindOf } from './fingerprint.ts'

/** Finds what somebody should see at once. */
export type ErrorWatch = {
  /**
   * Reports of the records that are CRITICAL, and of the first ERROR of each kind. No more than {@link REPORTS_PER_MINUTE} of either; of an
   * error that is left out its kind stays unknown.
   */
  find(records: readonly LogRecord[], memory: ErrorMemory): readonly ErrorReport[]
  /** Counts records that nobody had room for. */
  leaveOut(count: number): void
  /** Records that were not reported, as there were too many. */
  suppressed(): number
}

/** What was reported before. */
export type ErrorMemory = {
  readonly isKnown: (kind: string) => boolean
  /** By the record's uid: one that comes again takes no room from others. */
  readonly isReported: (uid: string) => boolean
}

/** What Slack takes from one webhook in a minute is 60: half of it for CRITICAL records, so that no storm of errors keeps them out. */
export const REPORTS_PER_MINUTE = 30
const MINUTE_MS = 60_000
const CRITICAL = lowestSeverity('CRITICAL')
const ERROR = lowestSeverity('ERROR')

/** Whether a record can be reported at all. */
export function isWorthReporting(record: LogRecord): boolean {
  return severityOf(record) >= ERROR
}

export function createErrorWatch(now: () => number): ErrorWatch {
  const rooms = { critical: createBucket(now), new_error: createBucket(now) }
  let suppressed = 0

  return {
    find(records, { isKnown, isReported }) {
      const found = new Set<string>()
      return records.flatMap((record) => {
        if (!isWorthReporting(record)) return []
        const kind = kindOf(record)
        const cause = severityOf(record) >= CRITICAL ? 'critical' : 'new_error'
        if (cause === 'new_error' && (isKnown(kind) || found.has(kind))) return []
        if (found.has(record.uid) || isReported(record.uid)) return []
        if (!rooms[cause].take()) {
          suppressed++
          return []
        }
        found.add(kind).add(record.uid)
        return [toReport(record, kind, cause)]
      })
    },
    leaveOut(count) {
      suppressed += count
    },
    suppressed: () => suppressed,
  }
}

/** Room for {@link REPORTS_PER_MINUTE}, which fills evenly. */
function createBucket(now: () => number): { take(): boolean } {
  let room = REPORTS_PER_MINUTE
  let filledMs = now()
  return {
    take() {
      const nowMs = now()
      room = Math.min(REPORTS_PER_MINUTE, room + (Math.max(0, nowMs - filledMs) / MINUTE_MS) * REPORTS_PER_MINUTE)
      filledMs = nowMs
      if (room < 1) return false
      room--
      return true
    },
  }
}

function toReport(record: LogRecord, kind: string, cause: ErrorReport['cause']): ErrorReport {
  const { uid, body, resource, attributes, traceId, spanId } = record
  return {
    uid,
    cause,
    kind,
    message: messageOf(body).slice(0, MESSAGE_CHARACTERS_MAX),
    atMs: Math.round(eventTimeUs(record) / 1_000),
    service: resource.service,
    logger: sourceOf(record),
    errorType: String(attributes['exception.type'] ?? attributes['error.type'] ?? ''),
    traceId,
    spanId,
    requestId: idOf(attributes.request_id) ?? '',
  }
}

/** Enough for a person; channels cut further. */
const MESSAGE_CHARACTERS_MAX = 2_000
