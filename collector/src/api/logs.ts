import type { Reader, StoredLog } from '../reader.ts'
import { timestamp } from '../time.ts'
import { type ApiAnswer, type ApiRequest, json } from './answer.ts'
import { cursor, cutPage, level, PAGE_ROWS, pageRows, readParams, text, time, traceId } from './params.ts'

const PARAMS = {
  request_id: text,
  user_id: text,
  level,
  trace_id: traceId,
  service: text,
  instance_id: text,
  q: text,
  since: time,
  until: time,
  limit: pageRows,
  cursor,
}

/** `GET /api/logs`: newest first, `{"logs": […], "next_cursor": "…" | null}`. Log records of equal time keep one order, so pages neither skip nor repeat. */
export async function getLogs(reader: Reader, { query }: ApiRequest): Promise<ApiAnswer> {
  const params = readParams(query, PARAMS)
  const limit = params.limit ?? PAGE_ROWS
  const rows = await reader.logs({
    requestId: params.request_id,
    userId: params.user_id,
    level: params.level,
    traceId: params.trace_id,
    service: params.service,
    instanceId: params.instance_id,
    text: params.q,
    sinceUs: params.since,
    untilUs: params.until,
    after: params.cursor,
    limit: limit + 1,
  })
  const { page, next } = cutPage(rows, limit, (row) => ({ timeUs: row.time_us, id: row.id }))
  return { ...json(200, { logs: page.map(readable), next_cursor: next }), rows: page.length }
}

function readable({ id, time_us, ...rest }: StoredLog) {
  return { id, timestamp: timestamp(time_us), ...rest }
}
