import type { Labels } from '../notification.ts'
import type { Range, Reading, SignalQuery } from '../signal.ts'
import type { Definition } from './definitions.ts'
import { createSum } from './histogram.ts'
import { labelsKey, metricLabels } from './labels.ts'
import { INTERVAL_MS } from './pace.ts'
import type { Series, SeriesStore } from './series.ts'
import type { Totals } from './track.ts'

export type Question = {
  readonly query: SignalQuery
  /** The end of its window, ms since 1970. */
  readonly atMs: number
  /** Time until the next point of a series that has told one only; {@link INTERVAL_MS} when less. */
  readonly expectedMs: number
}

type Growing = Definition & { readonly kind: 'growth' }
type Latest = Definition & { readonly kind: 'latest' }

/** What a series grew by in a window, and how much of the window was seen: more than 0, at most 1. */
type Seen = { readonly totals: Totals; readonly share: number }

/** What comes more seldom is not waited for: a gap of that length is more often an outage. */
const INTERVAL_MS_MAX = 300_000
/** A series that has been silent for longer than this many of its intervals has ended. */
export const INTERVALS_SILENT = 2.5
/** The same in ms, for one whose interval is not known. */
export const SILENT_MS = INTERVALS_SILENT * INTERVAL_MS

type GrowthQuestion = Question & {
  /** Since when all that is told comes here, ms since 1970. */
  readonly sinceMs: number
  /** Is told how often each series comes. */
  readonly noteInterval: (query: SignalQuery, intervalMs: number) => void
}

/** A signal that is made of what series grew by. */
export function readGrowth(
  store: SeriesStore,
  definition: Growing,
  { sinceMs, noteInterval, ...question }: GrowthQuestion,
): readonly Reading[] {
  const { query, atMs } = question
  const { windowMs } = query
  // Before we listened there may have been processes that we never hear of.
  const isSeen = atMs - windowMs >= sinceMs
  const groups = createGroups(query.by, () => ({ all: createSum(), part: createSum(), windowMs, unseen: 0, isSeen }))
  if (definition.beside !== undefined)
    for (const series of store.of(definition.beside)) {
      const seen = growthOf(series, question)
      if (seen !== undefined && seen.share < 1) groups.of(series).isSeen = false
      else if (seen !== undefined) groups.of(series)
    }
  for (const series of currentSeries(store, definition)) {
    const seen = growthOf(series, question)
    if (seen === undefined) continue
    const intervalMs = series.pace.intervalMs()
    if (intervalMs !== undefined) noteInterval(query, intervalMs)
    const group = groups.of(series)
    group.all.add(seen.totals, series.bounds)
    if (definition.part?.(series.attributes)) group.part.add(seen.totals, series.bounds)
    group.unseen += (seen.totals[0] ?? 0) * (1 / seen.share - 1)
    group.isSeen &&= seen.share === 1
  }
  return groups.read((group) => {
    const value = definition.value(group)
    return value === undefined ? undefined : { value, ...(!group.isSeen && { range: definition.range(group) }) }
  })
}

/** A signal that is made of what series say last, as long as they are alive: a state has no window. */
export function readLatest(store: SeriesStore, { metrics, combine }: Latest, { query, atMs, expectedMs }: Question): readonly Reading[] {
  const groups = createGroups(query.by, (): number[] => [])
  for (const metric of metrics)
    for (const series of store.of(metric))
      if (atMs - series.latest.timeMs <= silentMs(series, expectedMs)) groups.of(series).push(series.latest.value)
  return groups.read((values) => ({ value: combine(values) }))
}

/** Those of the metrics, and under their old names those of processes that do not know the new ones. */
function* currentSeries(store: SeriesStore, { metrics, formerly = [] }: Growing): Iterable<Series> {
  const modern = new Set<unknown>()
  for (const metric of metrics)
    for (const series of store.of(metric)) {
      if (formerly.length > 0) modern.add(series.source)
      yield series
    }
  for (const metric of formerly) for (const series of store.of(metric)) if (!modern.has(series.source)) yield series
}

/** While it lives, over the window that ends with its last point; the data of the time since is still on its way. */
function growthOf(series: Series, { query: { windowMs }, atMs, expectedMs }: Question): Seen | undefined {
  const lastMs = Math.min(series.latest.timeMs, atMs + series.source.leadMs)
  const endMs = atMs - lastMs <= silentMs(series, expectedMs) ? lastMs : atMs
  const totals = series.track.growth(endMs - windowMs, endMs)
  const seenMs = Math.min(windowMs, endMs - series.track.knownFromMs())
  return totals && { totals, share: seenMs / windowMs }
}

/** After that a series that has told nothing more has ended. */
function silentMs({ pace }: Series, expectedMs: number): number {
  return INTERVALS_SILENT * Math.min(pace.intervalMs() ?? Math.max(INTERVAL_MS, expectedMs), INTERVAL_MS_MAX)
}

/** The longest time between two points of a series that has not ended; 0 when no series has told two. */
export function longestIntervalMs(series: Iterable<Series>, atMs: number): number {
  let longestMs = 0
  for (const { pace, latest } of series) {
    const intervalMs = Math.min(pace.intervalMs() ?? 0, INTERVAL_MS_MAX)
    if (atMs - latest.timeMs <= INTERVALS_SILENT * intervalMs) longestMs = Math.max(longestMs, intervalMs)
  }
  return longestMs
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
    read(value: (group: T) => { readonly value: number; readonly range?: Range } | undefined): readonly Reading[] {
      return [...groups.values()].flatMap(({ labels, of }) => {
        const found = value(of)
        return found === undefined ? [] : [{ labels, ...found }]
      })
    },
  }
}
