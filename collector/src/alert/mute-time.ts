export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export type Weekday = (typeof WEEKDAYS)[number]

/** A time of the week, in a zone, in which nobody is told. */
export type MutePeriod = {
  /** Of the mute time that it is a part of. */
  readonly name: string
  /** IANA name: `Europe/Berlin`. */
  readonly zone: string
  /** The days on which it begins. */
  readonly days: readonly Weekday[]
  /** Minutes since midnight. One that ends before it begins lasts beyond midnight; two equal ones last a day. */
  readonly fromMinute: number
  readonly toMinute: number
}

const DAY_MINUTES = 24 * 60

/** The first of `periods` that `nowMs` lies in, by the clock on the wall of its zone. */
export function findMute(periods: readonly MutePeriod[], nowMs: number): MutePeriod | undefined {
  return periods.find((period) => {
    const { day, minute } = wallClock(period.zone, nowMs)
    const length = (period.toMinute - period.fromMinute + DAY_MINUTES) % DAY_MINUTES || DAY_MINUTES
    const beganToday = minute >= period.fromMinute && minute < period.fromMinute + length
    const beganYesterday = minute + DAY_MINUTES < period.fromMinute + length
    return (beganToday && period.days.includes(WEEKDAYS[day]!)) || (beganYesterday && period.days.includes(WEEKDAYS[(day + 6) % 7]!))
  })
}

/** Whether this runtime knows the zone. */
export function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return true
  } catch {
    return false
  }
}

function wallClock(zone: string, nowMs: number): { readonly day: number; readonly minute: number } {
  const parts = new Intl.DateTimeFormat('en-GB', { timeZone: zone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
  const of = Object.fromEntries(parts.formatToParts(nowMs).map(({ type, value }) => [type, value]))
  const day = (WEEKDAYS as readonly string[]).indexOf(of.weekday?.toLowerCase() ?? '')
  return { day, minute: Number(of.hour) * 60 + Number(of.minute) }
}
