import { el } from './dom.ts'
import type { Attributes } from './rows.ts'

/** Names and values, the values as text or JSON. */
export function showAttributes(attributes: Attributes): HTMLElement {
  const rows = Object.entries(attributes)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => el('tr', {}, el('th', { set: { scope: 'row' } }, name), el('td', {}, showValue(value))))
  return rows.length === 0 ? el('p', { class: 'none' }, 'No attributes.') : el('table', { class: 'attributes' }, el('tbody', {}, ...rows))
}

function showValue(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}
