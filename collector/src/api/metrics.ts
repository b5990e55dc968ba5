import type { Reader } from '../reader.ts'
import { type ApiAnswer, type ApiRequest, json } from './answer.ts'
import { readParams, text, time } from './params.ts'
import { METRIC_NAMES, summarize } from './summary.ts'

const PARAMS = { since: time, until: time, service: text, instance_id: text }

/** A service restarted every hour for a month has some thousands; this many are read in a second or two. */
const SERIES_MAX = 10_000

/**
 * `GET /api/metrics/summary`: what was served, how well and at what cost; of all processes, of one service or of one process.
 * `truncated` when there is more than 10,000 series of it, of which these are summed up.
 */
export async function getMetricsSummary(reader: Reader, { query }: ApiRequest): Promise<ApiAnswer> {
  const { since, until, service, instance_id } = readParams(query, PARAMS)
  const filter = { names: METRIC_NAMES, sinceUs: since, untilUs: until, service, instanceId: instance_id }
  const points = await reader.metricPoints({ ...filter, limit: SERIES_MAX + 1 })
  const summary = { ...summarize(points.slice(0, SERIES_MAX)), truncated: points.length > SERIES_MAX }
  return { ...json(200, summary), rows: Math.min(points.length, SERIES_MAX) }
}
