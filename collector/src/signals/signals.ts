import type { Batch } from '../batch.ts'
import type { LogCount, ReadSignals, SignalQuery } from '../signal.ts'
import { createClockWatch } from './clock-watch.ts'
import { definitionOf, METRICS } from './definitions.ts'
import { createLogCounts } from './log-counts.ts'
import { createPresence, type Presence } from './presence.ts'
import { INTERVALS_SILENT, longestIntervalMs, readGrowth, readLatest, SILENT_MS } from './read-series.ts'
import { createSeriesStore } from './series.ts'

export type SignalsOptions = {
  /** When this begins, ms since 1970. */
  readonly sinceMs: number
  readonly seriesMax?: number
  readonly logRecordsMax?: number
}

/** What came of the telemetry, as rules ask for it. */
export type Signals = {
  /** Takes what was received; what comes again changes nothing. */
  take(batch: Batch, arrivedMs: number): void
  readonly read: ReadSignals
  /** What rules ask for: the longest window, and which log records to count. */
  watch(wanted: { readonly windowMsMax: number; readonly logCounts: readonly LogCount[] }): void
  /** Since when all that is told comes here, ms since 1970: `sinceMs` of the options, later once {@link listenFrom} was called, and with a clock that was set back. */
  sinceMs(): number
  /** Only since `sinceMs` does all that is told come here, to a collector that takes over, say. */
  listenFrom(sinceMs: number): void
  /** How often the slowest process tells its figures, in ms; 0 when that is not known. */
  intervalMs(nowMs: number): number
  /** As an earlier process knew it. */
  expectInterval(intervalMs: number): void
  /** For how long from {@link sinceMs} on processes may not have told their figures yet, in ms. */
  settleMs(nowMs: number): number
  /** Drops what no window reaches any more; to be called at an even pace. */
  forget(nowMs: number): void
  /** Which services have sent anything, and when last. */
  readonly presence: Presence
  /** Windows that were read and are shorter than two intervals of their data, each once. */
  shortWindows(): readonly ShortWindow[]
  stats(): SignalsStats
}

export type ShortWindow = { readonly signal: string; readonly windowMs: number; readonly intervalMs: number }

export type SignalsStats = {
  readonly series: number
  /** Points that came for series there was no room for. */
  readonly seriesOverflow: number
  readonly logRecords: number
  /** Log records that counted and could not be kept. */
  readonly logOverflow: number
}

/** Some 5 kB each, 20 kB when they are histograms with windows of hours. */
const SERIES_MAX = 20_000
const LOG_RECORDS_MAX = 50_000
const SHORT_WINDOWS_MAX = 100

/**
 * Signals over windows, from OTLP as it comes.
 *
 * Everything goes by the time in the telemetry: what was kept on disk for an hour belongs to the windows of an hour ago.
 * Each series is read over the window that ends with its last point while it lives, so that a window of five minutes
 * holds five minutes of data; one that has ended is read up to now, and leaves the window with time.
 */
export function createSignals({ seriesMax = SERIES_MAX, logRecordsMax = LOG_RECORDS_MAX, ...options }: SignalsOptions): Signals {
  let { sinceMs } = options
  const since = () => sinceMs
  const store = createSeriesStore({ metrics: METRICS, seriesMax, sinceMs: since })
  const logs = createLogCounts(logRecordsMax, since)
  const presence = createPresence(since)
  const short = new Map<string, ShortWindow>()
  let windowMsMax = 0
  let expectedMs = 0
  const clock = createClockWatch({
    onSetBack(byMs) {
      store.setBack(byMs)
      logs.setBack(byMs)
      presence.setBack(byMs)
      sinceMs -= byMs
    },
    onPause: presence.pause,
  })

  function noteInterval({ signal, windowMs }: SignalQuery, intervalMs: number): void {
    const key = `${signal} ${windowMs}`
    if (windowMs < 2 * intervalMs && short.size < SHORT_WINDOWS_MAX) short.set(key, { signal, windowMs, intervalMs })
  }

  /** What is expected counts until every process can have told how often it really comes. */
  function intervalMs(nowMs: number): number {
    const seenMs = longestIntervalMs(store.all(), nowMs)
    const longestMs = Math.max(seenMs, expectedMs)
    return nowMs - sinceMs < INTERVALS_SILENT * longestMs ? longestMs : seenMs
  }

  return {
    take(batch, arrivedMs) {
      presence.saw(batch, arrivedMs)
      if (batch.signal === 'metrics') store.take(batch.records, arrivedMs)
      if (batch.signal === 'logs') logs.take(batch.records)
    },
    read(query, atMs) {
      clock.see(atMs)
      if (query.signal === 'telemetry_silence') return presence.silence(query.by, atMs)
      const definition = definitionOf(query.signal)
      if (definition === undefined) return logs.read(query.signal, { fromMs: atMs - query.windowMs, toMs: atMs, by: query.by })
      const question = { query, atMs, expectedMs }
      return definition.kind === 'growth'
        ? readGrowth(store, definition, { ...question, sinceMs, noteInterval })
        : readLatest(store, definition, question)
    },
    watch({ windowMsMax: longest, logCounts }) {
      windowMsMax = longest
      logs.define(logCounts)
    },
    sinceMs: since,
    listenFrom(fromMs) {
      sinceMs = fromMs
    },
    intervalMs,
    expectInterval(givenMs) {
      expectedMs = givenMs
    },
    settleMs: (nowMs) => INTERVALS_SILENT * intervalMs(nowMs),
    forget(nowMs) {
      clock.tick(nowMs)
      const beforeMs = nowMs - windowMsMax - 2 * SILENT_MS
      store.forget(beforeMs)
      logs.forget(beforeMs)
      presence.forget(nowMs)
    },
    presence,
    shortWindows: () => [...short.values()],
    stats() {
      const [series, counted] = [store.stats(), logs.stats()]
      return { series: series.series, seriesOverflow: series.overflow, logRecords: counted.records, logOverflow: counted.overflow }
    },
  }
}
