/** µs since 1970 as ISO 8601 that keeps them: `2026-11-22T10:00:00.123456Z`. What is no time comes back as the number it is. */
export function timestamp(timeUs: number): string {
  const second = Math.floor(timeUs / 1_000_000)
  const micros = timeUs - second * 1_000_000
  const start = secondText(second)
  return start === undefined ? String(timeUs) : `${start}.${String(micros).padStart(6, '0')}Z`
}

/** The last second that was asked for: records come in the order of time, and dates are what costs. */
const last = { second: Number.NaN, text: '' }

function secondText(second: number): string | undefined {
  if (second === last.second) return last.text
  const date = new Date(second * 1_000)
  if (Number.isNaN(date.getTime())) return undefined
  last.second = second
  last.text = date.toISOString().slice(0, -5)
  return last.text
}

const ISO_8601 = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.(\d{1,9}))?)?)?(Z|[+-]\d\d:\d\d)?$/

/** The end of the year 9999, µs since 1970: what both ISO 8601 with four digits and PostgreSQL can say. */
const TIME_US_MAX = Date.UTC(10_000, 0) * 1000 - 1

/** A date or a date with time -> µs since 1970, UTC unless it names an offset; undefined for anything else, and for times before 1970. */
export function parseTimestamp(text: string): number | undefined {
  // A plus sign in a URL is a space once it is decoded.
  const match = ISO_8601.exec(text.replace(' ', '+'))
  if (match === null) return undefined
  const [whole, fraction = '', zone] = match
  const withoutFraction = whole.replace(/\.\d+/, '')
  const local = withoutFraction.includes('T') && zone === undefined
  const wholeMs = Date.parse(local ? `${withoutFraction}Z` : withoutFraction)
  const timeUs = wholeMs * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6))
  return timeUs >= 0 && timeUs <= TIME_US_MAX ? timeUs : undefined
}
