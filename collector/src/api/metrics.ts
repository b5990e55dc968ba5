import type { Reader } from '../reader.ts'
import { type ApiAnswer, type ApiRequest, json } from './answer.ts'
import { readParams, text, time } from './params.ts'
import { METRIC_NAMES, summarize } from './summary.ts'

const PARAMS = { since: time, until: time, service: text, instance_id: text }

/** `GET /api/metrics/summary`: what was served, how well and at what cost; of all processes, or of one. */
export async function getMetricsSummary(reader: Reader, { query }: ApiRequest): Promise<ApiAnswer> {
  const { since, until, service, instance_id } = readParams(query, PARAMS)
  return json(
    200,
    summarize(await reader.metricPoints({ names: METRIC_NAMES, sinceUs: since, untilUs: until, service, instanceId: instance_id })),
  )
}
