const UNITS_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** `90s`, `15m`, `2h`, `1d` in ms; undefined for anything else. */
export function readAgeMs(age: string): number | undefined {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(age) ?? []
  return unit === 's' || unit === 'm' || unit === 'h' || unit === 'd' ? Number(count) * UNITS_MS[unit] : undefined
}
