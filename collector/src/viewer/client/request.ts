import { getLogs, getTrace, getTraces, type Trace } from './api.ts'
import { el, facts, link } from './dom.ts'
import { explain, type Verdict } from './explain.ts'
import { showLogs } from './log-list.ts'
import type { LogRow, TraceRow } from './rows.ts'
import { showAge, showMs, toMs } from './time.ts'
import { showTraces } from './trace-list.ts'
import { showWaterfall } from './waterfall.ts'

const LOGS_MAX = '500'
const TRACES_MAX = '50'

/** What is known under an id: of a trace, of a request, or else of a user. */
export async function showId(id: string): Promise<readonly HTMLElement[]> {
  const trace = /^[0-9a-f]{32}$/i.test(id) ? await getTrace(id.toLowerCase()) : undefined
  if (trace !== undefined) return await showRequest(trace, await logsOf({ trace_id: trace.trace_id }), [])
  const [traces, logs] = await Promise.all([getTraces({ request_id: id, limit: TRACES_MAX }), logsOf({ request_id: id })])
  const newest = traces[0] === undefined ? undefined : await getTrace(traces[0].trace_id)
  if (newest !== undefined) return await showRequest(newest, merge(logs, await logsOf({ trace_id: newest.trace_id })), traces.slice(1))
  if (logs.length > 0)
    return [heading(id), el('p', { class: 'lead' }, 'No span of this request is stored, only log records.'), showLogs(logs)]
  return await showUser(id)
}

async function showUser(id: string): Promise<readonly HTMLElement[]> {
  const [traces, logs] = await Promise.all([getTraces({ user_id: id, limit: TRACES_MAX }), getLogs({ user_id: id, limit: '50' })])
  if (traces.length === 0 && logs.length === 0)
    return [
      heading(id),
      el(
        'p',
        { class: 'lead', 'data-empty': 'true' },
        'Nothing is stored under this id: no request, no trace and no user has it. It may be older than what is kept, or still on its way.',
      ),
    ]
  return [
    heading(id, 'User'),
    el('h2', {}, 'Newest requests'),
    showTraces(traces),
    el('h2', {}, 'Newest log records'),
    showLogs(logs, { linked: true }),
  ]
}

async function showRequest(
  { spans, trace_id, truncated }: Trace,
  logs: readonly LogRow[],
  others: readonly TraceRow[],
): Promise<readonly HTMLElement[]> {
  const known = (name: 'request_id' | 'user_id') => spans.find((span) => span[name] !== null)?.[name] ?? undefined
  const [requestId, userId] = [known('request_id'), known('user_id')]
  const startMs = Math.min(...spans.map(({ start }) => toMs(start)))
  const endMs = Math.max(...spans.map(({ start, duration_ms }) => toMs(start) + duration_ms))
  const services = [...new Set(spans.map(({ service }) => service))].join(', ')
  const head: (readonly [string, Node | string])[] = [
    ...(userId === undefined ? [] : [['user', link(userId)] as const]),
    ['service', services],
    ['started', `${new Date(startMs).toISOString().replace('T', ' ')} (${showAge(Date.now() - startMs)})`],
    ['took', showMs(endMs - startMs)],
    ['trace', link(trace_id)],
  ]
  return [
    heading(requestId ?? trace_id, requestId === undefined ? 'Trace' : 'Request'),
    facts(head),
    showVerdict(explain(spans)),
    el('h2', {}, `Trace (${spans.length} ${spans.length === 1 ? 'span' : 'spans'})`),
    ...(truncated ? [el('p', { class: 'lead' }, 'The trace has more spans than are shown.')] : []),
    showWaterfall(spans),
    el('h2', {}, `Log records (${logs.length})`),
    logs.length === 0 ? el('p', { class: 'none' }, 'No log record belongs to this request.') : showLogs(logs, { startMs }),
    ...(others.length === 0 ? [] : [el('h2', {}, 'Other traces of this request'), showTraces(others)]),
  ]
}

function heading(id: string, kind = 'Id'): HTMLElement {
  return el('h1', {}, el('span', { class: 'kind' }, `${kind} `), el('span', { class: 'id' }, id))
}

function showVerdict({ tone, title, text, facts: pairs }: Verdict): HTMLElement {
  return el('section', { class: 'verdict', 'data-tone': tone }, el('h2', {}, title), el('p', {}, text), facts(pairs))
}

/** In the order of their time. */
async function logsOf(query: Readonly<Record<string, string>>): Promise<readonly LogRow[]> {
  return (await getLogs({ ...query, limit: LOGS_MAX })).toReversed()
}

function merge(a: readonly LogRow[], b: readonly LogRow[]): readonly LogRow[] {
  const all = new Map([...a, ...b].map((log) => [log.id, log]))
  return [...all.values()].sort((x, y) => (x.timestamp < y.timestamp ? -1 : 1))
}
