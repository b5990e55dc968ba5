import type { Labels } from './notification.ts'

/** What a rule asks of the signals. */
export type SignalQuery = {
  /** One of the built-in signals, or a {@link LogCount} by its name. */
  readonly signal: string
  /** How far back, in ms. */
  readonly windowMs: number
  /** Names of labels to tell apart; empty: one value for the whole. */
  readonly by: readonly string[]
}

/** One value of a signal, for one combination of the labels that were asked for. */
export type Reading = {
  readonly labels: Labels
  readonly value: number
  /** What the value can be, as a part of the window was not seen; absent when all of it was. */
  readonly range?: Range
}

/** Both ends included; `high` is Infinity where nothing bounds it. */
export type Range = { readonly low: number; readonly high: number }

/** Reads a signal over the window that ends at `atMs` (ms since 1970). No reading at all means: no data, which is not 0. */
export type ReadSignals = (query: SignalQuery, atMs: number) => readonly Reading[]

/** A count of log records that a rule file defines under `log_counts:`; a record counts when it has all that is given. */
export type LogCount = {
  readonly name: string
  /** Severity number of OpenTelemetry, at least. */
  readonly severityMin?: number
  /** Name of the logger (instrumentation scope); `app.*` includes those below. */
  readonly logger?: string
  /** `event_name`, exactly. */
  readonly event?: string
  /** Part of the message, in any case. */
  readonly text?: string
}
