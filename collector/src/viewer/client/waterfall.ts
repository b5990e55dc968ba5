import { showAttributes } from './attributes.ts'
import { el, facts } from './dom.ts'
import { type Layout, type Line, layOut } from './layout.ts'
import type { SpanRow } from './rows.ts'
import { showMs } from './time.ts'

/** Lines of the scale above the bars. */
const TICKS = [0, 0.25, 0.5, 0.75, 1]

/** A trace, a line for each span; a click shows what the span knows. */
export function showWaterfall(spans: readonly SpanRow[]): HTMLElement {
  const layout = layOut(spans)
  return el(
    'div',
    { class: 'waterfall', 'data-spans': String(spans.length) },
    el('div', { class: 'scale', 'aria-hidden': 'true' }, el('span', {}, 'span'), el('span', {}, 'time'), scale(layout)),
    el('ol', { class: 'lines' }, ...layout.lines.map(showLine)),
  )
}

function scale({ durationMs }: Layout): HTMLElement {
  return el(
    'div',
    { class: 'ticks' },
    ...TICKS.map((share) => el('span', { vars: { '--at': percent(share) } }, showMs(durationMs * share))),
  )
}

function showLine({ span, depth, left, width, marks }: Line): HTMLElement {
  const failed = span.status === 'error'
  const details = el('div', { class: 'details', set: { hidden: true } })
  const button = el(
    'button',
    {
      class: 'line',
      'aria-expanded': 'false',
      'data-name': span.name,
      on: { click: () => toggle(button, details, span) },
    },
    el(
      'span',
      { class: 'name', vars: { '--depth': String(depth) } },
      failed ? el('span', { class: 'failed', title: 'failed' }, '✕ ') : undefined,
      span.name,
      note(span),
    ),
    el('span', { class: 'time' }, showMs(span.duration_ms)),
    el(
      'span',
      { class: 'track' },
      el('span', {
        class: failed ? 'bar failed' : 'bar',
        'data-kind': span.kind,
        vars: { '--left': percent(left), '--width': percent(width) },
      }),
      ...marks.map(({ at, name }) => el('span', { class: 'mark', title: name, vars: { '--at': percent(at) } })),
    ),
  )
  return el('li', {}, button, details)
}

/** The one thing to know about a span. */
function note({ attributes }: SpanRow): HTMLElement | undefined {
  const known = attributes['tts.outcome'] ?? attributes['http.response.status_code'] ?? attributes['error.type']
  return known === undefined ? undefined : el('span', { class: 'note' }, String(known))
}

function toggle(button: HTMLElement, details: HTMLElement, span: SpanRow): void {
  details.hidden = !details.hidden
  button.setAttribute('aria-expanded', String(!details.hidden))
  if (details.childElementCount === 0) details.append(...describe(span))
}

function describe(span: SpanRow): readonly HTMLElement[] {
  const { kind, start, status, status_message, scope, service, instance_id, span_id, events } = span
  const head = Object.entries({ status, message: status_message, kind, start, span: span_id, service, instance: instance_id, scope })
  return [
    facts(head.filter(([, value]) => value !== '')),
    showAttributes(span.attributes),
    ...events.map(({ name, attributes }) => el('section', { class: 'event' }, el('h4', {}, `Event: ${name}`), showAttributes(attributes))),
  ]
}

function percent(share: number): string {
  return `${(share * 100).toFixed(3)}%`
}
