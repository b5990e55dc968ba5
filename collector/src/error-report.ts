import { createHash } from 'node:crypto'
import type { Labels, Notification } from './notification.ts'

/** Name of the channel that reports of errors go to. */
export const ERRORS_CHANNEL = 'errors'

/** A log record that somebody should see at once, without a rule. Texts are the record's own, redacted where it was made. */
export type ErrorReport = {
  /** The record's uid: a record that comes again is reported once. */
  readonly uid: string
  /** Why: it is CRITICAL, or the first ERROR of its kind. */
  readonly cause: 'critical' | 'new_error'
  /** Of the kind: the same for errors of the same type from the same place. */
  readonly kind: string
  readonly message: string
  /** ms since 1970. */
  readonly atMs: number
  readonly service: string
  /** What the record does not have is left out. */
  readonly logger?: string
  readonly errorType?: string
  readonly traceId?: string
  readonly spanId?: string
  readonly requestId?: string
}

const RULES = { critical: 'Critical log record', new_error: 'New kind of error' } as const

/** A report as a notification for the channel {@link ERRORS_CHANNEL}: each its own thing, which is never resolved. */
export function toErrorNotification(report: ErrorReport): Notification {
  const { uid, cause, kind, message, atMs, service } = report
  const severity = cause === 'critical' ? 'critical' : 'error'
  const rule = RULES[cause]
  const groupLabels = { alertname: rule, service, ...named({ logger: report.logger, error_type: report.errorType }) }
  const annotations = {
    summary: message,
    ...named({ trace_id: report.traceId, span_id: report.spanId, request_id: report.requestId }),
  }
  const fingerprint = createHash('sha256').update(`${service} ${kind}`).digest('hex').slice(0, 16)
  const labels = { ...groupLabels, severity }
  return {
    id: errorIdOf(uid),
    groupKey: `error:${fingerprint}`,
    groupLabels,
    reason: 'first',
    status: 'firing',
    rule,
    severity,
    channels: [ERRORS_CHANNEL],
    alerts: [{ status: 'firing', labels, annotations, startsAtMs: atMs, endsAtMs: undefined, value: null, fingerprint }],
    metrics: {},
    atMs,
    test: false,
  }
}

/** The id of the notification about a record. */
export function errorIdOf(uid: string): string {
  return `error-${uid}`
}

/** A notification that {@link toErrorNotification} made. */
export function isErrorReport({ groupKey }: Notification): boolean {
  return groupKey.startsWith('error:')
}

/** What a record has of these. */
function named(values: Readonly<Record<string, string | undefined>>): Labels {
  return Object.fromEntries(Object.entries(values).flatMap(([name, value]) => (value === undefined || value === '' ? [] : [[name, value]])))
}
