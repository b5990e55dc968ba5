import { el, hrefOf, link } from './dom.ts'
import type { TraceRow } from './rows.ts'
import { showAge, showMs, toMs } from './time.ts'

/** Traces in the order given, each with a link. */
export function showTraces(traces: readonly TraceRow[]): HTMLElement {
  if (traces.length === 0) return el('p', { class: 'none' }, 'None.')
  const head = ['when', 'request', 'what', 'service', 'user', 'took'].map((name) => el('th', { set: { scope: 'col' } }, name))
  return el(
    'div',
    { class: 'scroll' },
    el('table', { class: 'traces' }, el('thead', {}, el('tr', {}, ...head)), el('tbody', {}, ...traces.map(showTrace))),
  )
}

function showTrace({ trace_id, request_id, user_id, name, service, start, duration_ms, error }: TraceRow): HTMLElement {
  return el(
    'tr',
    { 'data-error': String(error) },
    el('td', { title: start }, showAge(Date.now() - toMs(start))),
    el('td', {}, el('a', { class: 'id', set: { href: hrefOf(trace_id) } }, request_id ?? trace_id)),
    el('td', {}, error ? '✕ ' : '', name),
    el('td', {}, service),
    el('td', {}, user_id === null ? '' : link(user_id)),
    el('td', { class: 'number' }, showMs(duration_ms)),
  )
}
