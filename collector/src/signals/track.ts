/** What a series has counted up to a time: `[count, sum, one number for each bucket]` of a histogram, `[value]` of a counter. */
export type Totals = readonly number[]

/** The growth of one series over time. Times are ms since 1970 on the clock of the sender. */
export type Track = {
  /** Takes one point; one that was taken before, or that contradicts its neighbours, changes nothing. Points may come in any order. */
  add(point: TrackPoint): void
  /** What was counted after `fromMs` and up to `toMs`; undefined when nothing is known of that time. Between two points growth is even. */
  growth(fromMs: number, toMs: number): Totals | undefined
  /** Since when all that was counted is known; -Infinity when nothing can have been before. */
  knownFromMs(): number
  /** The clock of the sender was set back by so much: moves all that is known to where it is on the new one. */
  setBack(byMs: number): void
  /** Drops what is older than `beforeMs`, and points that are closer together than the age of theirs needs. */
  forget(beforeMs: number): void
}

export type TrackPoint = {
  /** Where it began to count; 0 when the sender does not say. */
  readonly startMs: number
  readonly timeMs: number
  readonly totals: Totals
}

/** A part of its age that two points of a track may be apart: a window that begins there is read to within 3 % of its length. */
const RESOLUTION = 1 / 32
/** Above this many points a track looks whether some can go. */
const POINTS_BEFORE_THINNING = 64

export type CumulativeOptions = {
  /** That nothing was counted before the start of the first point; otherwise growth is known from the first point on only. */
  readonly startsAtZero: boolean
}

/** Points of one start time that each tell all that was counted since. */
export function createCumulativeTrack({ startsAtZero }: CumulativeOptions): Track {
  let points: TrackPoint[] = []
  /** What was counted before the sender began anew without saying so. */
  let carried: Totals | undefined

  function at(timeMs: number): Totals {
    const index = points.findLastIndex((point) => point.timeMs <= timeMs)
    const [before, after] = [points[index], points[index + 1]]
    if (after === undefined) return before!.totals
    if (before !== undefined) return between(before, after, timeMs)
    if (!startsAtZero || after.timeMs <= after.startMs) return startsAtZero && timeMs < after.timeMs ? zeros(after.totals) : after.totals
    return between({ timeMs: after.startMs, totals: zeros(after.totals) }, after, Math.max(timeMs, after.startMs))
  }

  return {
    add(given) {
      const last = points.at(-1)
      if (given.startMs === 0 && last !== undefined && given.timeMs > last.timeMs && isLess(plus(given.totals, carried), last.totals))
        carried = last.totals
      const point = { ...given, totals: plus(given.totals, carried) }
      const index = points.findLastIndex(({ timeMs }) => timeMs <= point.timeMs)
      const [before, after] = [points[index], points[index + 1]]
      if (before?.timeMs === point.timeMs) return
      // A late point must fit between those that are there.
      if ((before !== undefined && isLess(point.totals, before.totals)) || (after !== undefined && isLess(after.totals, point.totals)))
        return
      points.splice(index + 1, 0, point)
      if (points.length > POINTS_BEFORE_THINNING) points = thinned(points)
    },
    growth(fromMs, toMs) {
      const first = points[0]
      if (first === undefined) return undefined
      const knownMs = startsAtZero ? Math.min(first.startMs, first.timeMs - 1) : first.timeMs
      if (toMs <= knownMs || fromMs >= points.at(-1)!.timeMs) return undefined
      return minus(at(toMs), at(fromMs))
    },
    setBack(byMs) {
      points = points.map((point) => moved(point, byMs))
    },
    knownFromMs: () => (startsAtZero ? Number.NEGATIVE_INFINITY : (points[0]?.timeMs ?? Number.POSITIVE_INFINITY)),
    forget(beforeMs) {
      // The last one before stays: what was counted since is told from it.
      const keep = points.findLastIndex(({ timeMs }) => timeMs <= beforeMs)
      if (keep > 0) points = points.slice(keep)
    },
  }
}

/** Points that each tell what was counted between their start and their time, and nobody else tells. `sinceMs`: since when they have come. */
export function createDeltaTrack(sinceMs: number): Track {
  let points: TrackPoint[] = []
  let knownFromMs = sinceMs
  return {
    add(point) {
      // A point without a beginning counts as an instant.
      const startMs = Math.min(point.startMs, point.timeMs - 1)
      const index = points.findLastIndex(({ timeMs }) => timeMs <= startMs)
      const after = points[index + 1]
      if (after !== undefined && after.startMs < point.timeMs) return
      points.splice(index + 1, 0, { ...point, startMs })
      knownFromMs = Math.min(knownFromMs, startMs)
      if (points.length > POINTS_BEFORE_THINNING) points = merged(points)
    },
    growth(fromMs, toMs) {
      let sum: Totals | undefined
      for (const { startMs, timeMs, totals } of points) {
        const shared = Math.min(toMs, timeMs) - Math.max(fromMs, startMs)
        if (shared <= 0) continue
        const share = shared / (timeMs - startMs)
        sum = totals.map((value, i) => (sum?.[i] ?? 0) + value * share)
      }
      return sum
    },
    setBack(byMs) {
      points = points.map((point) => moved(point, byMs))
      knownFromMs -= byMs
    },
    knownFromMs: () => knownFromMs,
    forget(beforeMs) {
      points = points.filter(({ timeMs }) => timeMs > beforeMs)
    },
  }
}

/** The first, the last, and between them those that are far enough from the one before. */
function thinned(points: readonly TrackPoint[]): TrackPoint[] {
  const newestMs = points.at(-1)!.timeMs
  const kept: TrackPoint[] = [points[0]!]
  for (const [index, point] of points.entries()) {
    const next = points[index + 1]
    const needed = next === undefined || next.timeMs - kept.at(-1)!.timeMs > (newestMs - next.timeMs) * RESOLUTION
    if (index > 0 && needed) kept.push(point)
  }
  return kept
}

/** The same for points that each have a part of the count: neighbours without a gap between them become one. */
function merged(points: readonly TrackPoint[]): TrackPoint[] {
  const newestMs = points.at(-1)!.timeMs
  const kept: TrackPoint[] = []
  for (const point of points) {
    const last = kept.at(-1)
    const joins = last !== undefined && last.timeMs === point.startMs
    if (joins && point.timeMs - last.startMs <= (newestMs - point.timeMs) * RESOLUTION)
      kept[kept.length - 1] = { ...point, startMs: last.startMs, totals: plus(last.totals, point.totals) }
    else kept.push(point)
  }
  return kept
}

function moved({ startMs, timeMs, totals }: TrackPoint, byMs: number): TrackPoint {
  return { startMs: startMs === 0 ? 0 : startMs - byMs, timeMs: timeMs - byMs, totals }
}

type Known = Pick<TrackPoint, 'timeMs' | 'totals'>

function between(before: Known, after: Known, timeMs: number): Totals {
  const share = (timeMs - before.timeMs) / (after.timeMs - before.timeMs)
  return share <= 0 ? before.totals : before.totals.map((value, i) => value + ((after.totals[i] ?? value) - value) * share)
}

/** By the first number, which only ever grows: a count, or what a counter has counted. */
function isLess(a: Totals, b: Totals): boolean {
  return (a[0] ?? 0) < (b[0] ?? 0)
}

function plus(a: Totals, b: Totals | undefined): Totals {
  return b === undefined ? a : a.map((value, i) => value + (b[i] ?? 0))
}

function minus(a: Totals, b: Totals): Totals {
  return a.map((value, i) => value - (b[i] ?? 0))
}

function zeros(totals: Totals): Totals {
  return totals.map(() => 0)
}
