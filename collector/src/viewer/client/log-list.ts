import { showAttributes } from './attributes.ts'
import { el, link } from './dom.ts'
import type { LogRow } from './rows.ts'
import { showAge, showMs, toMs } from './time.ts'

export type LogListOptions = {
  /** Times count from here, as the waterfall's do; without it they are ages. */
  readonly startMs?: number | undefined
  /** Each with a link to its request. */
  readonly linked?: boolean
}

/** Log records in the order given; a click shows what the record knows. */
export function showLogs(logs: readonly LogRow[], options: LogListOptions = {}): HTMLElement {
  return el('ol', { class: 'logs', 'data-logs': String(logs.length) }, ...logs.map((log) => showLog(log, options)))
}

function showLog(log: LogRow, { startMs, linked = false }: LogListOptions): HTMLElement {
  const { timestamp, level, source, message, request_id, trace_id, metadata } = log
  const timeMs = toMs(timestamp)
  const shown = startMs === undefined ? showAge(Date.now() - timeMs) : offset(timeMs - startMs)
  const id = request_id ?? trace_id
  return el(
    'li',
    { 'data-level': level },
    el(
      'details',
      { on: { toggle: fillOnce(() => details(log, metadata)) } },
      el(
        'summary',
        {},
        el('time', { title: timestamp, set: { dateTime: timestamp } }, shown),
        el('span', { class: 'level' }, level),
        el('span', { class: 'source' }, source),
        el('span', { class: 'message' }, message),
      ),
    ),
    linked && id !== null ? link(id, request_id === null ? 'trace' : 'request') : undefined,
  )
}

function details({ timestamp, request_id, user_id, trace_id, span_id, service }: LogRow, metadata: LogRow['metadata']): HTMLElement {
  const ids = Object.entries({ timestamp, request_id, user_id, trace_id, span_id, service }).filter(([, value]) => value !== null)
  return showAttributes({ ...metadata, ...Object.fromEntries(ids) })
}

/** Most are never opened. */
function fillOnce(fill: () => HTMLElement): (event: Event) => void {
  return function onToggle({ currentTarget }) {
    if (currentTarget instanceof HTMLDetailsElement && currentTarget.open && currentTarget.childElementCount === 1)
      currentTarget.append(fill())
  }
}

function offset(ms: number): string {
  return ms < 0 ? `−${showMs(-ms)}` : `+${showMs(ms)}`
}
