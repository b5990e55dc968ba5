/** Numbers from `min` to `max`; an open end is not one of them. */
export type Interval = { readonly min: number; readonly max: number; readonly isMinOpen?: boolean; readonly isMaxOpen?: boolean }

export type Order = '>' | '<' | '>=' | '<=' | '==' | '!='

const ANY: Interval = { min: -Infinity, max: Infinity }

export function pointAt(value: number): Interval {
  return { min: value, max: value }
}

/** Every result of the operation on numbers of the two; some more where that is easier. */
export function combine(operator: '+' | '-' | '*' | '/', a: Interval, b: Interval): Interval {
  if (operator === '-') return combine('+', a, { min: -b.max, max: -b.min })
  if (operator === '+') return known({ min: a.min + b.min, max: a.max + b.max })
  if (operator === '/') return b.min > 0 || b.max < 0 ? combine('*', a, { min: 1 / b.max, max: 1 / b.min }) : ANY
  const corners = [a.min * b.min, a.min * b.max, a.max * b.min, a.max * b.max]
  return known({ min: Math.min(...corners), max: Math.max(...corners) })
}

function known(interval: Interval): Interval {
  return Number.isNaN(interval.min) || Number.isNaN(interval.max) ? ANY : interval
}

/** The numbers of `a` for which the comparison with some number of `b` holds; undefined when there is none. */
export function narrow(a: Interval, order: Order, b: Interval): Interval | undefined {
  switch (order) {
    case '>':
      return cut(a, { min: b.min, max: Infinity, isMinOpen: true })
    case '>=':
      return cut(a, { min: b.min, max: Infinity, isMinOpen: b.isMinOpen ?? false })
    case '<':
      return cut(a, { min: -Infinity, max: b.max, isMaxOpen: true })
    case '<=':
      return cut(a, { min: -Infinity, max: b.max, isMaxOpen: b.isMaxOpen ?? false })
    case '==':
      return cut(a, b)
    case '!=':
      return a.min === a.max && b.min === b.max && a.min === b.min ? undefined : a
  }
}

/** What both have. */
function cut(a: Interval, b: Interval): Interval | undefined {
  const min = Math.max(a.min, b.min)
  const max = Math.min(a.max, b.max)
  const isMinOpen = isOpenAt(min, [a.min, a.isMinOpen], [b.min, b.isMinOpen])
  const isMaxOpen = isOpenAt(max, [a.max, a.isMaxOpen], [b.max, b.isMaxOpen])
  const isEmpty = min > max || (min === max && (isMinOpen || isMaxOpen))
  return isEmpty ? undefined : { min, max, isMinOpen, isMaxOpen }
}

function isOpenAt(end: number, ...ends: readonly (readonly [number, boolean | undefined])[]): boolean {
  return ends.some(([value, isOpen]) => value === end && isOpen === true)
}
