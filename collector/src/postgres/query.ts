import { type Level, lowestSeverity, severitiesOf } from '../level.ts'
import {
  type LogFilter,
  type MetricFilter,
  type PageEnd,
  type Reader,
  ReadTimeoutError,
  type StoredLog,
  type StoredPoint,
  type StoredSpan,
  type StoredTrace,
  type TraceFilter,
} from '../reader.ts'
import { timestamp } from '../time.ts'
import { arrayLiteral } from './array-literal.ts'
import { type Conditions, createConditions } from './conditions.ts'
import type { Queryable } from './queryable.ts'
import { sqlState } from './sqlstate.ts'

/** Reads back what the sink has stored. Every read is one statement with parameters; one that takes too long is a {@link ReadTimeoutError}. */
export function postgresReader(connections: Queryable): Reader {
  const database = bounded(connections)
  return {
    logs: (filter) => readLogs(database, filter),
    traces: (filter) => readTraces(database, filter),
    spans: (traceId, limit) => readSpans(database, traceId, limit),
    metricPoints: (filter) => readMetricPoints(database, filter),
  }
}

/** query_canceled, which the statement time limit of the connection comes as. */
const CANCELED = '57014'

function bounded(database: Queryable): Queryable {
  return {
    async query(...statement) {
      try {
        return await database.query(...statement)
      } catch (error) {
        throw error instanceof Error && sqlState(error) === CANCELED ? new ReadTimeoutError(error) : error
      }
    },
  }
}

/** µs since 1970. The drivers would make a Date of a timestamp, which keeps only ms. */
const timeUs = (column: string) => `(extract(epoch FROM ${column}) * 1000000)::float8`

async function readLogs(database: Queryable, filter: LogFilter): Promise<readonly StoredLog[]> {
  const conditions = createConditions()
  conditions.addIf('request_id = ?', filter.requestId)
  conditions.addIf('user_id = ?', filter.userId)
  addLevel(conditions, filter.level)
  conditions.addIf('trace_id = ?', filter.traceId)
  conditions.addIf('service = ?', filter.service)
  conditions.addIf('instance_id = ?', filter.instanceId)
  conditions.addIf('message ILIKE ?', filter.text === undefined ? undefined : `%${filter.text.replace(/[\\%_]/g, '\\$&')}%`)
  addTimes(conditions, 'timestamp', filter)
  addAfter(conditions, { time: 'timestamp', id: 'id', type: 'uuid' }, filter.after)
  const { rows } = await database.query<StoredLog>(
    `SELECT id::text, ${timeUs('timestamp')} AS time_us, level, severity, message, metadata, source,
       request_id, user_id, trace_id, span_id, service, instance_id, event_name
     FROM logs WHERE ${conditions.where()}
     ORDER BY timestamp DESC, id DESC LIMIT ${conditions.param(filter.limit)}`,
    conditions.params,
  )
  return rows
}

/**
 * Errors by their severity, as the index `logs_errors` has them: rare ones are not looked for among all records. Their level would
 * say the same, and make the planner expect a hundredth of them.
 */
function addLevel(conditions: Conditions, level: Level | undefined): void {
  const isError = level !== undefined && lowestSeverity(level) >= lowestSeverity('ERROR')
  if (!isError) {
    conditions.addIf('level = ?', level)
    return
  }
  const [from, below] = severitiesOf(level)
  // Not as parameters: the planner has to see that the index holds all of them.
  conditions.add(`severity >= ${from}`)
  if (below !== undefined) conditions.add(`severity < ${below}`)
}

/** Spans of one trace lie within this time; it spares looking for them in every day's partition. */
const TRACE_SPREAD = "interval '1 day'"

/**
 * How far before the newest match traces are looked for, at each try. Matches may be a part of all that is kept: of such the recent
 * ones are enough, and of rare ones each look is short.
 */
const LOOKS_US = [1, 8, 64, 512, 4_096, 32_768].map((minutes) => minutes * 60_000_000)

async function readTraces(database: Queryable, filter: TraceFilter): Promise<readonly StoredTrace[]> {
  if (filter.userId === undefined && filter.error !== true) return await readTracePage(database, filter)
  const newestUs = await newestMatch(database, filter)
  if (newestUs === undefined) return []
  for (const lookUs of LOOKS_US) {
    const sinceUs = newestUs - lookUs
    if (sinceUs <= (filter.sinceUs ?? 0)) break
    const traces = await readTracePage(database, { ...filter, sinceUs })
    if (traces.length === filter.limit) return traces
  }
  return await readTracePage(database, filter)
}

/** No trace that the filter asks for begins later, in µs since 1970; undefined when there is none. */
async function newestMatch(database: Queryable, filter: TraceFilter): Promise<number | undefined> {
  const conditions = createConditions()
  conditions.addIf('user_id = ?', filter.userId)
  if (filter.error === true) conditions.add(FAILED)
  for (const bound of matchTimes(conditions, filter)) conditions.add(bound)
  const { rows } = await database.query<{ time_us: number }>(
    `SELECT ${timeUs('start_time')} AS time_us FROM spans WHERE ${conditions.where()} ORDER BY start_time DESC LIMIT 1`,
    conditions.params,
  )
  return rows[0] && Math.min(rows[0].time_us, latestStart(filter))
}

/**
 * A trace stands where its first span does: `s` is the span that none of its trace precedes. The page is cut first,
 * then its few traces are summed up. The conditions on `s` are scalar subqueries, which stay index look-ups: what
 * PostgreSQL could turn into a join it turns into one over all spans.
 */
async function readTracePage(database: Queryable, filter: TraceFilter): Promise<readonly StoredTrace[]> {
  const conditions = createConditions()
  if (filter.requestId !== undefined) addTracesWith(conditions, `request_id = ${conditions.param(filter.requestId)}`, filter)
  if (filter.userId !== undefined) addTracesWith(conditions, `user_id = ${conditions.param(filter.userId)}`, filter)
  if (filter.error === true) addTracesWith(conditions, FAILED, filter)
  if (filter.error === false) conditions.add(`(SELECT true FROM spans a WHERE ${ofTrace('s')} AND a.${FAILED} LIMIT 1) IS NULL`)
  conditions.addIf(`(SELECT true FROM spans a WHERE ${ofTrace('s')} AND a.service = ? LIMIT 1)`, filter.service)
  conditions.addIf(`(SELECT true FROM spans a WHERE ${ofTrace('s')} AND a.instance_id = ? LIMIT 1)`, filter.instanceId)
  addTimes(conditions, 's.start_time', filter)
  addAfter(conditions, { time: 's.start_time', id: 's.trace_id', type: 'text' }, filter.after)
  const { rows } = await database.query<StoredTrace>(
    `WITH page AS (
       SELECT s.trace_id, s.start_time FROM spans s
       WHERE s.span_id = (
           SELECT e.span_id FROM spans e
           WHERE e.trace_id = s.trace_id AND e.start_time <= s.start_time AND e.start_time > s.start_time - ${TRACE_SPREAD}
           ORDER BY e.start_time, e.span_id LIMIT 1
         )
         AND ${conditions.where()}
       ORDER BY s.start_time DESC, s.trace_id DESC LIMIT ${conditions.param(filter.limit)}
     )
     SELECT page.trace_id, root.name, root.service, ${timeUs('page.start_time')} AS time_us, whole.*
     FROM page
     CROSS JOIN LATERAL (
       SELECT max(${timeUs('a.start_time')} / 1000 + a.duration_ns / 1e6::float8) - ${timeUs('page.start_time')} / 1000 AS duration_ms,
         count(*)::integer AS span_count, bool_or(a.${FAILED}) AS error,
         max(a.request_id) AS request_id, max(a.user_id) AS user_id
       FROM spans a WHERE ${ofTrace('page')}
     ) whole
     CROSS JOIN LATERAL (
       SELECT a.name, a.service FROM spans a
       WHERE ${ofTrace('page')}
       ORDER BY EXISTS (SELECT 1 FROM spans p WHERE p.trace_id = a.trace_id AND p.span_id = a.parent_span_id), a.start_time, a.span_id
       LIMIT 1
     ) root
     ORDER BY page.start_time DESC, page.trace_id DESC`,
    conditions.params,
  )
  return rows
}

/** Written as the index `spans_errors` has it. */
const FAILED = 'status_code = 2'

/** For what an index finds: the few traces first, then their first spans. */
function addTracesWith(conditions: Conditions, matching: string, filter: TraceFilter): void {
  const where = [matching, ...matchTimes(conditions, filter)].join(' AND ')
  conditions.add(`s.trace_id = ANY(ARRAY(SELECT DISTINCT trace_id FROM spans WHERE ${where}))`)
}

/** Between which times the spans of the traces asked for begin. */
function matchTimes(conditions: Conditions, filter: TraceFilter): readonly string[] {
  const [{ sinceUs }, latestUs] = [filter, latestStart(filter)]
  return [
    ...(sinceUs === undefined ? [] : [`start_time >= ${conditions.param(timestamp(sinceUs))}::timestamptz`]),
    ...(Number.isFinite(latestUs) ? [`start_time <= ${conditions.param(timestamp(latestUs))}::timestamptz + ${TRACE_SPREAD}`] : []),
  ]
}

function latestStart({ untilUs, after }: TraceFilter): number {
  return Math.min(untilUs ?? Number.POSITIVE_INFINITY, after?.timeUs ?? Number.POSITIVE_INFINITY)
}

/** The spans `a` of the trace that begins with `first`. */
function ofTrace(first: string): string {
  return `a.trace_id = ${first}.trace_id AND a.start_time >= ${first}.start_time AND a.start_time < ${first}.start_time + ${TRACE_SPREAD}`
}

async function readSpans(database: Queryable, traceId: string, limit: number): Promise<readonly StoredSpan[]> {
  const { rows } = await database.query<StoredSpan>(
    `SELECT trace_id, span_id, parent_span_id, name, kind, ${timeUs('start_time')} AS time_us, duration_ns / 1e6::float8 AS duration_ms,
       status_code, status_message, attributes, events, links, request_id, user_id, service, instance_id, scope
     FROM spans WHERE trace_id = $1 ORDER BY start_time, parent_span_id IS NOT NULL, span_id LIMIT $2`,
    [traceId, limit],
  )
  return rows
}

type Cumulative = StoredPoint & { readonly series: string; readonly started: number }

/** Processes tell their metrics every minute or so; one that was silent for longer than a day counts as new. Without a bound every day that is kept is read. */
const LOOK_BACK_US = 86_400_000_000

/** A cumulative point holds everything since its process started; what it held before `since` is taken off again. */
async function readMetricPoints(database: Queryable, filter: MetricFilter): Promise<readonly StoredPoint[]> {
  const newest = await readNewest(database, filter)
  if (filter.sinceUs === undefined) return newest
  const lookBack = { sinceUs: Math.max(0, filter.sinceUs - LOOK_BACK_US), untilUs: filter.sinceUs }
  const before = await readNewest(database, { ...filter, ...lookBack })
  const earlier = new Map(before.map((point) => [`${point.series} ${point.started}`, point]))
  return newest.map((point) => subtract(point, earlier.get(`${point.series} ${point.started}`)))
}

async function readNewest(
  database: Queryable,
  { names, service, instanceId, limit, ...times }: MetricFilter,
): Promise<readonly Cumulative[]> {
  const conditions = createConditions()
  conditions.addIf('name = ANY(?::text[])', arrayLiteral(names))
  conditions.addIf('temporality = ?', 'cumulative')
  conditions.addIf('service = ?', service)
  conditions.addIf('instance_id = ?', instanceId)
  addTimes(conditions, 'time', times)
  const { rows } = await database.query<Cumulative>(
    `SELECT DISTINCT ON (name, series, start_time)
       name, series::text, ${timeUs('start_time')} AS started, attributes, value, count, sum,
       (distribution ->> 'max')::float8 AS max,
       coalesce(distribution -> 'bounds', '[]') AS bounds, coalesce(distribution -> 'counts', '[]') AS counts
     FROM metric_points WHERE ${conditions.where()}
     ORDER BY name, series, start_time, time DESC LIMIT ${conditions.param(limit)}`,
    conditions.params,
  )
  return rows
}

function subtract(point: Cumulative, earlier: Cumulative | undefined): StoredPoint {
  if (earlier === undefined) return point
  const less = (a: number | null, b: number | null) => (a === null ? null : a - (b ?? 0))
  return {
    ...point,
    value: less(point.value, earlier.value),
    count: less(point.count, earlier.count),
    sum: less(point.sum, earlier.sum),
    counts: point.counts.map((count, index) => count - (earlier.counts[index] ?? 0)),
  }
}

function addTimes(
  conditions: Conditions,
  column: string,
  { sinceUs, untilUs }: { sinceUs?: number | undefined; untilUs?: number | undefined },
): void {
  conditions.addIf(`${column} >= ?::timestamptz`, sinceUs === undefined ? undefined : timestamp(sinceUs))
  conditions.addIf(`${column} < ?::timestamptz`, untilUs === undefined ? undefined : timestamp(untilUs))
}

type Key = { readonly time: string; readonly id: string; readonly type: 'uuid' | 'text' }

function addAfter(conditions: Conditions, { time, id, type }: Key, after: PageEnd | undefined): void {
  if (after === undefined) return
  // Said twice: the pair finds the place, the time alone lets PostgreSQL leave out the days after it.
  conditions.addIf(`${time} <= ?::timestamptz`, timestamp(after.timeUs))
  conditions.addIf(`(${time}, ${id}) < (${conditions.param(timestamp(after.timeUs))}::timestamptz, ?::${type})`, after.id)
}
