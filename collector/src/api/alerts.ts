import type { AlertDesk, AlertStatus, Refused, SilenceWish } from '../alert-desk.ts'
import type { Labels } from '../notification.ts'
import { parseTimestamp, timestamp } from '../time.ts'
import { type ApiAnswer, type ApiRequest, BadRequestError, failure, json } from './answer.ts'
import { PAGE_ROWS, pageRows, readParams } from './params.ts'

/** `GET /api/alerts`. */
export function getAlerts(desk: AlertDesk, { query }: ApiRequest): ApiAnswer {
  readParams(query, {})
  const { rank, checkedAtMs, rules, silences, channels, problems } = desk.status()
  return json(200, {
    rank,
    checked_at: checkedAtMs === undefined ? null : iso(checkedAtMs),
    rules: rules.map(readableRule),
    silences: silences.map(({ startsAtMs, endsAtMs, ...rest }) => ({ ...rest, starts_at: iso(startsAtMs), ends_at: iso(endsAtMs) })),
    channels,
    problems,
  })
}

function readableRule({ instances, ...rest }: AlertStatus['rules'][number]) {
  return {
    ...rest,
    instances: instances.map(({ sinceMs, heldAtMs, ...instance }) => ({ ...instance, since: iso(sinceMs), held_at: iso(heldAtMs) })),
  }
}

/** `GET /api/alerts/:rule`: as the command line shows it. */
export function getExplanation(desk: AlertDesk, { path, query }: ApiRequest): ApiAnswer {
  readParams(query, {})
  const outcome = desk.explain(decode(path.split('/').at(-1) ?? ''))
  return outcome.kind === 'explained' ? json(200, outcome.explanation) : refuse(outcome)
}

/** `GET /api/alerts/history`: `{"history": […]}`. */
export function getHistory(desk: AlertDesk, { query }: ApiRequest): ApiAnswer {
  const history = desk.history(readParams(query, { limit: pageRows }).limit ?? PAGE_ROWS)
  if (history === undefined) return standby()
  return {
    ...json(200, { history: history.map(({ atMs, sinceMs, ...rest }) => ({ at: iso(atMs), ...rest, since: iso(sinceMs) })) }),
    rows: history.length,
  }
}

/** `GET /api/alerts/deliveries`: `{"deliveries": […]}`. */
export async function getDeliveries(desk: AlertDesk, { query }: ApiRequest): Promise<ApiAnswer> {
  const deliveries = await desk.deliveries(readParams(query, { limit: pageRows }).limit ?? PAGE_ROWS)
  if (deliveries === undefined) return standby()
  const readable = deliveries.map(({ kind, atMs, createdMs, notificationId, groupKey, ...rest }) => ({
    at: iso(atMs),
    outcome: kind,
    ...rest,
    notification_id: notificationId,
    group_key: groupKey,
    created_at: iso(createdMs),
  }))
  return { ...json(200, { deliveries: readable }), rows: deliveries.length }
}

/** `POST /api/alerts/silences`: 201 `{"id": "…"}` once it is kept. */
export async function postSilence(desk: AlertDesk, { query, body }: ApiRequest, nowMs: number): Promise<ApiAnswer> {
  readParams(query, {})
  const outcome = await desk.silence(readSilence(await body?.(), nowMs))
  return outcome.kind === 'silenced' ? json(201, { id: outcome.id }) : refuse(outcome)
}

/** `POST /api/alerts/:rule/test`: 202 `{"id": "…", "channels": […]}` once it is on its way; the log of deliveries tells the rest. */
export async function postTest(desk: AlertDesk, { path, query }: ApiRequest): Promise<ApiAnswer> {
  readParams(query, {})
  const outcome = await desk.test(decode(path.split('/').at(-2) ?? ''))
  return outcome.kind === 'sent' ? json(202, { id: outcome.id, channels: outcome.channels }) : refuse(outcome)
}

const STATUS = { standby: 503, unknown: 404, nobody: 409 } as const

function refuse({ why, message }: Refused): ApiAnswer {
  return failure(STATUS[why], why, message, why === 'standby' ? { 'retry-after': '5' } : undefined)
}

function standby(): ApiAnswer {
  return refuse({ kind: 'refused', why: 'standby', message: 'Another collector decides about alerts; ask that one' })
}

const FIELDS = ['matchers', 'author', 'reason', 'ends_at', 'duration']
const TEXT_CHARACTERS_MAX = 500
const MATCHERS_MAX = 20
/** Longer than any maintenance; what is meant to last goes into the rules. */
const SILENCE_MS_MAX = 30 * 86_400_000
const UNITS_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const

function readSilence(body: unknown, nowMs: number): SilenceWish {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new BadRequestError('Send a JSON object (content-type application/json) with matchers, author, reason, and ends_at or duration')
  const fields: Readonly<Record<string, unknown>> = { ...body }
  const unknown = Object.keys(fields).find((name) => !FIELDS.includes(name))
  if (unknown !== undefined) throw new BadRequestError(`Unknown field "${unknown.slice(0, 50)}"; there are: ${FIELDS.join(', ')}`)
  const { matchers, author, reason } = fields
  return {
    matchers: readMatchers(matchers),
    author: readText('author', author),
    reason: readText('reason', reason),
    endsAtMs: readEnd(fields, nowMs),
  }
}

function readMatchers(value: unknown): Labels {
  const entries = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : []
  const isValid = entries.every(([, pattern]) => typeof pattern === 'string' && pattern.length <= TEXT_CHARACTERS_MAX)
  if (entries.length === 0 || entries.length > MATCHERS_MAX || !isValid)
    throw new BadRequestError(
      '"matchers" must name labels and what they are to be, for example {"alertname": "High Error Rate", "route": "/v1/*"}',
    )
  return Object.fromEntries(entries)
}

function readText(name: string, value: unknown): string {
  if (typeof value !== 'string' || value.trim() === '' || value.length > TEXT_CHARACTERS_MAX)
    throw new BadRequestError(`"${name}" must be a text of 1 to ${TEXT_CHARACTERS_MAX} characters`)
  return value
}

function readEnd({ ends_at: at, duration }: Readonly<Record<string, unknown>>, nowMs: number): number {
  const [, count, unit] = /^(\d{1,5})([mhd])$/.exec(typeof duration === 'string' ? duration : '') ?? []
  const lengthMs = count === undefined ? undefined : Number(count) * UNITS_MS[unit as keyof typeof UNITS_MS]
  const endsAtMs =
    typeof at === 'string' && duration === undefined ? (parseTimestamp(at) ?? Number.NaN) / 1_000 : nowMs + (lengthMs ?? Number.NaN)
  if ((at !== undefined && duration !== undefined) || !(endsAtMs > nowMs && endsAtMs <= nowMs + SILENCE_MS_MAX))
    throw new BadRequestError('Give "duration" as 30m, 2h or 7d, or "ends_at" as a time like 2026-11-22T10:00:00Z: within the next 30 days')
  return Math.round(endsAtMs)
}

function iso(timeMs: number): string {
  return timestamp(Math.round(timeMs) * 1_000)
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
