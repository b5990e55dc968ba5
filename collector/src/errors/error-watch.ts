import type { LogRecord } from '../batch.ts'
import type { ErrorReport } from '../error-report.ts'
import { lowestSeverity, severityOf } from '../level.ts'
import { eventTimeUs, idOf, messageOf, sourceOf } from '../log-fields.ts'
import { kindOf } from './fingerprint.ts'

/** Finds what somebody should see at once. */
export type ErrorWatch = {
  /**
   * Reports of the records that are CRITICAL, and of the first ERROR of each kind that `isKnown` does not know. No more than
   * {@link REPORTS_PER_MINUTE}; of an error that is left out its kind stays unknown.
   */
  find(records: readonly LogRecord[], isKnown: (kind: string) => boolean): readonly ErrorReport[]
  /** Records that were not reported, as there were too many. */
  suppressed(): number
}

/** What Slack takes from one webhook in a minute is 60, and nobody reads more than this. */
export const REPORTS_PER_MINUTE = 30
const MINUTE_MS = 60_000
const CRITICAL = lowestSeverity('CRITICAL')
const ERROR = lowestSeverity('ERROR')

/** Whether a record can be reported at all. */
export function isWorthReporting(record: LogRecord): boolean {
  return severityOf(record) >= ERROR
}

export function createErrorWatch(now: () => number): ErrorWatch {
  let room = REPORTS_PER_MINUTE
  let filledMs = now()
  let suppressed = 0

  /** A bucket that fills evenly. */
  function takeRoom(): boolean {
    const nowMs = now()
    room = Math.min(REPORTS_PER_MINUTE, room + (Math.max(0, nowMs - filledMs) / MINUTE_MS) * REPORTS_PER_MINUTE)
    filledMs = nowMs
    if (room < 1) {
      suppressed++
      return false
    }
    room--
    return true
  }

  return {
    find(records, isKnown) {
      const found = new Set<string>()
      return records.flatMap((record) => {
        if (!isWorthReporting(record)) return []
        const severity = severityOf(record)
        const kind = kindOf(record)
        const isNew = !isKnown(kind) && !found.has(kind)
        if ((severity < CRITICAL && !isNew) || !takeRoom()) return []
        found.add(kind)
        return [toReport(record, kind, severity >= CRITICAL ? 'critical' : 'new_error')]
      })
    },
    suppressed: () => suppressed,
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
