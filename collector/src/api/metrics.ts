import type { Reader } from '../reader.ts'
import { timestamp } from '../time.ts'
import { type ApiAnswer, type ApiRequest, json } from './answer.ts'
import { readParams, text, time } from './params.ts'
import { METRIC_NAMES, summarize } from './summary.ts'

const PARAMS = { since: time, until: time, service: text, instance_id: text }

/** A service restarted every hour for a month has some thousands; this many are read in a second or two. */
const SERIES_MAX = 10_000

/** Without `since`: what people mean by "how is it going". Each day more is read as a whole, and thirty of them take longer than an answer may. */
const DEFAULT_SPAN_US = 86_400_000_000

export type SummaryOptions = {
  readonly reader: Reader
  /** ms since 1970. */
  readonly now: () => number
}

/**
 * `GET /api/metrics/summary`: what was served, how well and at what cost; of all processes, of one service or of one process. Without
 * `since` of the 24 hours before `until`, or before now; the answer says of which time it is.
 * `truncated` when there is more than 10,000 series of it, of which these are summed up.
 */
export async function getMetricsSummary({ reader, now }: SummaryOptions, { query }: ApiRequest): Promise<ApiAnswer> {
  const { since, until, service, instance_id } = readParams(query, PARAMS)
  const sinceUs = since ?? Math.max(0, (until ?? now() * 1_000) - DEFAULT_SPAN_US)
  const filter = { names: METRIC_NAMES, sinceUs, untilUs: until, service, instanceId: instance_id }
  const points = await reader.metricPoints({ ...filter, limit: SERIES_MAX + 1 })
  const time = { since: timestamp(sinceUs), until: until === undefined ? null : timestamp(until) }
  const summary = { ...time, ...summarize(points.slice(0, SERIES_MAX)), truncated: points.length > SERIES_MAX }
  return { ...json(200, summary), rows: Math.min(points.length, SERIES_MAX) }
}
