/** The day indexes: how they are called, and which of them may exist. */

const DAY_MS = 86_400_000
/** For clocks that run ahead. */
const DAYS_AHEAD = 3

export type DaysOptions = {
  readonly prefix: string
  /** Days before today that are kept. */
  readonly retentionDays: number
  /** ms since 1970. */
  readonly now: () => number
}

/** `tts-api-2026.11.22`, the day in UTC. */
export function indexOf(prefix: string, timeUs: number): string {
  const day = Math.floor(timeUs / 1_000 / DAY_MS)
  if (day !== last.day || prefix !== last.prefix) {
    const index = `${prefix}-${nameOf(day).replaceAll('-', '.')}`
    Object.assign(last, { day, prefix, index })
  }
  return last.index
}

/** The last that was asked for: nearly all records are of one day. */
const last = { day: Number.NaN, prefix: '', index: '' }

/**
 * Why a record of this time has no index; undefined when it has one. Without this a wrong clock, or anybody who may send,
 * makes an index for every day since 1970, and a cluster holds some thousands.
 */
export function outsideDays(timeUs: number, options: DaysOptions): string | undefined {
  if (timeUs === 0) return 'it tells no time'
  const { first, last } = keptDays(options)
  const day = Math.floor(timeUs / 1_000 / DAY_MS)
  if (day >= first && day <= last) return undefined
  return `its time is outside of the days that are kept, ${nameOf(first)} to ${nameOf(last)} (RETENTION_DAYS=${options.retentionDays})`
}

/** Of these names those of our days that are past retention; never a name of another form. */
export function expiredIndexes(names: readonly string[], options: DaysOptions): readonly string[] {
  const { first } = keptDays(options)
  return names.filter((name) => {
    const day = dayOfIndex(name, options.prefix)
    return day !== undefined && day < first
  })
}

/** Days since 1970 of one of our day indexes; undefined for any other name. */
export function dayOfIndex(name: string, prefix: string): number | undefined {
  if (!name.startsWith(`${prefix}-`)) return undefined
  const match = /^(\d{4})\.(\d\d)\.(\d\d)$/.exec(name.slice(prefix.length + 1))
  if (match === null) return undefined
  const dayMs = Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3]))
  // 2026.02.31 is no day, whoever made it.
  return indexOf(prefix, dayMs * 1_000) === name ? dayMs / DAY_MS : undefined
}

function keptDays({ retentionDays, now }: DaysOptions): { readonly first: number; readonly last: number } {
  const today = Math.floor(now() / DAY_MS)
  return { first: today - retentionDays, last: today + DAYS_AHEAD }
}

function nameOf(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10)
}
