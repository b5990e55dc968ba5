import type { Labels } from '../notification.ts'
import type { Reading, SignalQuery } from '../signal.ts'
import type { Definition } from './definitions.ts'
import { createSum } from './histogram.ts'
import { labelsKey, metricLabels } from './labels.ts'
import type { Series, SeriesStore } from './series.ts'
import type { Totals } from './track.ts'

/** A query and the end of its window, ms since 1970. */
export type Question = { readonly query: SignalQuery; readonly atMs: number }

type Growth = Definition & { readonly kind: 'growth' }
type Latest = Definition & { readonly kind: 'latest' }

/** Of a series that has told one point only. The default of METRICS_COLLECTION_INTERVAL. */
const INTERVAL_MS = 60_000
/** A series that has been silent for longer than this many of its intervals has ended. */
const INTERVALS_SILENT = 2.5
/** The same in ms, for one whose interval is not known. */
export const SILENT_MS = INTERVALS_SILENT * INTERVAL_MS

/** A signal that is made of what series grew by. `noteInterval` is told how often each of them comes. */
export function readGrowth(
  store: SeriesStore,
  definition: Growth,
  { query, atMs, noteInterval }: Question & { readonly noteInterval: (query: SignalQuery, intervalMs: number) => void },
): readonly Reading[] {
  const groups = createGroups(query.by, () => ({ all: createSum(), part: createSum() }))
  if (definition.beside !== undefined)
    for (const series of store.of(definition.beside)) if (growthOf(series, query, atMs) !== undefined) groups.of(series)
  for (const series of currentSeries(store, definition)) {
    const growth = growthOf(series, query, atMs)
    if (growth === undefined) continue
    const intervalMs = series.pace.intervalMs()
    if (intervalMs !== undefined) noteInterval(query, intervalMs)
    const { all, part } = groups.of(series)
    all.add(growth, series.bounds)
    if (definition.part?.(series.attributes)) part.add(growth, series.bounds)
  }
  return groups.read(({ all, part }) => definition.value({ all, part, windowMs: query.windowMs }))
}

/** A signal that is made of what series say last, as long as they are alive. */
export function readLatest(store: SeriesStore, { metrics, combine }: Latest, { query, atMs }: Question): readonly Reading[] {
  const groups = createGroups(query.by, (): number[] => [])
  for (const metric of metrics)
    for (const series of store.of(metric))
      if (atMs - series.latest.timeMs <= Math.min(query.windowMs, silentMs(series))) groups.of(series).push(series.latest.value)
  return groups.read(combine)
}

/** Those of the metrics, and under their old names those of processes that do not know the new ones. */
function* currentSeries(store: SeriesStore, { metrics, formerly = [] }: Growth): Iterable<Series> {
  const modern = new Set<unknown>()
  for (const metric of metrics)
    for (const series of store.of(metric)) {
      if (formerly.length > 0) modern.add(series.source)
      yield series
    }
  for (const metric of formerly) for (const series of store.of(metric)) if (!modern.has(series.source)) yield series
}

/** While it lives, over the window that ends with its last point; the data of the time since is still on its way. */
function growthOf(series: Series, { windowMs }: SignalQuery, atMs: number): Totals | undefined {
  const lastMs = Math.min(series.latest.timeMs, atMs + series.source.leadMs)
  const endMs = atMs - lastMs <= silentMs(series) ? lastMs : atMs
  return series.track.growth(endMs - windowMs, endMs)
}

function silentMs({ pace }: Series): number {
  return INTERVALS_SILENT * (pace.intervalMs() ?? INTERVAL_MS)
}

/** Series put together by labels. */
function createGroups<T>(by: readonly string[], create: () => T) {
  const groups = new Map<string, { readonly labels: Labels; readonly of: T }>()
  return {
    of({ resource, attributes }: Series): T {
      const labels = metricLabels(by, resource, attributes)
      const key = labelsKey(labels)
      const group = groups.get(key) ?? { labels, of: create() }
      groups.set(key, group)
      return group.of
    },
    read(value: (group: T) => number | undefined): readonly Reading[] {
      return [...groups.values()].flatMap(({ labels, of }) => {
        const found = value(of)
        return found === undefined ? [] : [{ labels, value: found }]
      })
    },
  }
}
