import type { Attributes, MetricPoint, Resource } from '../batch.ts'
import { type Bounds, toTotals } from './histogram.ts'
import { createPace, INTERVAL_MS, type Pace } from './pace.ts'
import { createCumulativeTrack, createDeltaTrack, type Track } from './track.ts'

/** What a process tells of one metric with one set of attributes. Times are ms since 1970. */
export type Series = {
  readonly resource: Resource
  readonly attributes: Attributes
  /** The same object for everything that one process tells. */
  readonly source: Source
  readonly bounds: Bounds
  readonly track: Track
  /** How often points come. */
  readonly pace: Pace
  /** The newest value as it came; for what is a state and no count. */
  latest: { readonly timeMs: number; readonly value: number }
}

/**
 * A process, as its resource describes it: when it told first, when the oldest of its series began, and how far its clock was ahead of ours when
 * it told last.
 */
export type Source = { readonly id: number; readonly firstMs: number; beganMs: number; leadMs: number }

export type SeriesStore = {
  /** Takes the points of metrics that somebody reads; all others cost nothing. */
  take(points: readonly MetricPoint[], arrivedMs: number): void
  of(metric: string): Iterable<Series>
  all(): Iterable<Series>
  /** Our clock was set back by so much: those of the senders are ahead of it by so much more, until they tell again. */
  setBack(byMs: number): void
  /** Drops what has told nothing since `beforeMs`. */
  forget(beforeMs: number): void
  /** Series there are, and points that came for series there was no room for. */
  stats(): { readonly series: number; readonly overflow: number }
}

export type SeriesStoreOptions = {
  /** Names of metrics. */
  readonly metrics: ReadonlySet<string>
  readonly seriesMax: number
  /** Since when points have come, ms since 1970: what began later began at zero. */
  readonly sinceMs: () => number
}

export function createSeriesStore({ metrics, seriesMax, sinceMs }: SeriesStoreOptions): SeriesStore {
  const byMetric = new Map<string, Map<string, Series>>([...metrics].map((name) => [name, new Map()]))
  const sources = createSources()
  let [count, overflow] = [0, 0]

  function noteBeginning({ name, resource, startUs, timeUs }: MetricPoint): void {
    if (startUs === 0 || timeUs === 0 || !byMetric.has(name)) return
    const source = sources.of(resource, timeUs / 1_000)
    source.beganMs = Math.min(source.beganMs, startUs / 1_000)
  }

  function take(point: MetricPoint, arrivedMs: number): void {
    const known = byMetric.get(point.name)
    const made = known && toTotals(point)
    if (known === undefined || made === undefined || point.timeUs === 0) return
    const [startMs, timeMs] = [point.startUs / 1_000, point.timeUs / 1_000]
    const source = sources.of(point.resource, timeMs)
    const key = keyOf(point, source, made.bounds)
    let series = known.get(key)
    if (series === undefined) {
      if (count >= seriesMax) {
        overflow++
        return
      }
      // A process that was there before would have told of this series before, had there been anything to tell.
      // One that was there before us has series whose beginning we missed: one that we saw begin must not count from zero beside them.
      const startsAtZero = startMs > 0 && (source.beganMs >= sinceMs() || startMs > source.firstMs)
      const track = point.temporality === 'delta' ? createDeltaTrack(sinceMs()) : createCumulativeTrack({ startsAtZero })
      const { resource, attributes } = point
      series = { resource, attributes, source, bounds: made.bounds, track, pace: createPace(), latest: NOTHING }
      known.set(key, series)
      count++
    }
    const { latest } = series
    const grownBy = (made.totals[0] ?? 0) - latest.value
    if (latest !== NOTHING && onlyGrows(point)) {
      // What it counted since its start has grown, and by its time that was earlier: its clock was set back. The other way round it is from before.
      if (grownBy > 0 && timeMs < latest.timeMs) setBack(source, timeMs, latest.timeMs + (series.pace.intervalMs() ?? INTERVAL_MS) - timeMs)
      if (grownBy < 0 && timeMs > latest.timeMs) return
    }
    if (isCount(point)) series.track.add({ startMs, timeMs, totals: made.totals })
    if (timeMs <= series.latest.timeMs) return
    if (series.latest !== NOTHING) series.pace.step(timeMs - series.latest.timeMs)
    source.leadMs = Math.max(0, timeMs - arrivedMs)
    series.latest = { timeMs, value: made.totals[0] ?? 0 }
  }

  /** Moves what a process has told and what would be to come at `timeMs`. */
  function setBack(source: Source, timeMs: number, byMs: number): void {
    for (const known of byMetric.values())
      for (const series of known.values()) {
        if (series.source !== source || series.latest.timeMs <= timeMs) continue
        series.track.setBack(byMs)
        series.latest = { ...series.latest, timeMs: series.latest.timeMs - byMs }
      }
  }

  return {
    take(points, arrivedMs) {
      for (const point of points) noteBeginning(point)
      for (const point of points) take(point, arrivedMs)
    },
    of: (metric) => byMetric.get(metric)?.values() ?? [],
    all: () => [...byMetric.values()].flatMap((known) => [...known.values()]),
    setBack: sources.setBack,
    forget(beforeMs) {
      for (const known of byMetric.values())
        for (const [key, series] of known) {
          if (series.latest.timeMs >= beforeMs) series.track.forget(beforeMs)
          else if (known.delete(key)) count--
        }
      sources.keep(new Set([...byMetric.values()].flatMap((known) => [...known.values()].map(({ source }) => source))))
    },
    stats: () => ({ series: count, overflow }),
  }
}

const NOTHING = { timeMs: Number.NEGATIVE_INFINITY, value: 0 }

/** A count of which the sender says since when. */
function onlyGrows(point: MetricPoint): boolean {
  return isCount(point) && point.temporality === 'cumulative' && point.startUs > 0
}

/** Gauges and counts that also fall are states. */
function isCount({ type, monotonic }: MetricPoint): boolean {
  return type === 'histogram' || type === 'exponential_histogram' || (type === 'sum' && monotonic)
}

/** A count that began anew is a series of its own: what each start has counted adds up. A state is one series whatever its start. */
function keyOf(point: MetricPoint, source: Source, bounds: Bounds): string {
  const { temporality, startUs, scope, attributes, unit } = point
  const start = isCount(point) && temporality !== 'delta' ? startUs : 0
  return `${source.id} ${start} ${temporality} ${scope.name} ${unit} ${bounds.length} ${sortedJson(attributes)}`
}

function createSources() {
  const known = new Map<string, Source>()
  /** One object is shared by all points of a request. */
  let cached = new WeakMap<Resource, Source>()
  let made = 0
  return {
    of(resource: Resource, timeMs: number): Source {
      const cachedSource = cached.get(resource)
      if (cachedSource !== undefined) return cachedSource
      const key = sortedJson(resource.attributes)
      const source = known.get(key) ?? { id: ++made, firstMs: timeMs, beganMs: Infinity, leadMs: 0 }
      known.set(key, source)
      cached.set(resource, source)
      return source
    },
    setBack(byMs: number): void {
      for (const source of known.values()) source.leadMs += byMs
    },
    keep(used: ReadonlySet<Source>): void {
      for (const [key, source] of known) if (!used.has(source)) known.delete(key)
      // One that was dropped must not come back unknown to those who look at all.
      cached = new WeakMap()
    },
  }
}

function sortedJson(attributes: Attributes): string {
  return JSON.stringify(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)))
}
