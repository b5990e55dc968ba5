import type { LogRecord } from '../batch.ts'
import { severityOf } from '../level.ts'
import { eventTimeUs, messageOf, sourceOf } from '../log-fields.ts'
import type { Labels } from '../notification.ts'
import { pickLabels } from '../pick-labels.ts'
import type { LogCount, Reading } from '../signal.ts'
import { LOG_LABEL_NAMES, labelsKey, logLabels, SEPARATOR } from './labels.ts'

/** What a rule may ask of a count: since when, until when (ms since 1970), told apart by which labels. */
export type LogCountQuery = { readonly fromMs: number; readonly toMs: number; readonly by: readonly string[] }

export type LogCounts = {
  /** Replaces the counts; those that stay as they are keep what they have counted. */
  define(counts: readonly LogCount[]): void
  /** Our clock was set back by so much. */
  setBack(byMs: number): void
  take(records: readonly LogRecord[]): void
  read(name: string, query: LogCountQuery): readonly Reading[]
  forget(beforeMs: number): void
  stats(): { readonly records: number; readonly overflow: number }
}

/** Its labels are one object for all records that have the same. */
type Counted = { readonly atMs: number; readonly labels: Labels }
type Count = {
  readonly definition: LogCount
  readonly matches: (record: LogRecord) => boolean
  readonly found: Map<string, Counted>
  /** Since when it counts, by the time in the records. */
  readonly sinceMs: number
}

/**
 * Counts log records, each uid once. A record that counts is kept until the longest window has passed, at most
 * `recordsMax` of them for each count; what comes on top is not counted, and that is told. All records have come here since `sinceMs`.
 */
export function createLogCounts(recordsMax: number, sinceMs: () => number): LogCounts {
  let counts: readonly Count[] = []
  /** Of any record at all: without one there is no data, and with one there is a count, which may be 0. */
  let newestMs = Number.NEGATIVE_INFINITY
  let overflow = 0
  const interned = new Map<string, Labels>()

  function intern(labels: Labels): Labels {
    const key = labelsKey(labels)
    const known = interned.get(key) ?? labels
    if (interned.size >= recordsMax) interned.clear()
    interned.set(key, known)
    return known
  }

  function add({ matches, found }: Count, record: LogRecord, atMs: number): void {
    if (found.has(record.uid) || !matches(record)) return
    if (found.size >= recordsMax) overflow++
    else found.set(record.uid, { atMs, labels: intern(logLabels(LOG_LABEL_NAMES, record)) })
  }

  return {
    define(definitions) {
      counts = definitions.map((definition) => {
        const known = counts.find((count) => JSON.stringify(count.definition) === JSON.stringify(definition))
        return known ?? { definition, matches: matcher(definition), found: new Map(), sinceMs: Math.max(sinceMs(), newestMs) }
      })
    },
    setBack(byMs) {
      counts = counts.map((count) => ({ ...count, sinceMs: count.sinceMs - byMs }))
    },
    take(records) {
      for (const record of records) {
        const atMs = eventTimeUs(record) / 1_000
        newestMs = Math.max(newestMs, atMs)
        for (const count of counts) add(count, record, atMs)
      }
    },
    read(name, { fromMs, toMs, by }) {
      const count = counts.find(({ definition }) => definition.name === name)
      if (count === undefined || newestMs <= fromMs) return []
      const groups = new Map<string, { labels: Labels; value: number }>()
      // One that has ended is 0, so that its alert ends.
      if (by.length === 0) groups.set('', { labels: {}, value: 0 })
      for (const { atMs, labels } of count.found.values()) {
        const key = by.map((label) => labels[label] ?? '').join(SEPARATOR)
        const group = groups.get(key) ?? { labels: pickLabels(labels, by), value: 0 }
        if (atMs > fromMs && atMs <= toMs) group.value++
        groups.set(key, group)
      }
      const isSeen = Math.max(sinceMs(), count.sinceMs) <= fromMs
      return [...groups.values()].map(({ labels, value }) => ({
        labels,
        value,
        ...(!isSeen && { range: { low: value, high: Number.POSITIVE_INFINITY } }),
      }))
    },
    forget(beforeMs) {
      for (const { found } of counts) for (const [uid, { atMs }] of found) if (atMs < beforeMs) found.delete(uid)
    },
    stats: () => ({ records: counts.reduce((sum, { found }) => sum + found.size, 0), overflow }),
  }
}

function matcher({ severityMin = 0, logger, event, text }: LogCount): (record: LogRecord) => boolean {
  const wanted = text?.toLowerCase()
  return (record) =>
    severityOf(record) >= severityMin &&
    (event === undefined || record.eventName === event) &&
    (logger === undefined || isFrom(logger, sourceOf(record))) &&
    (wanted === undefined || messageOf(record.body).toLowerCase().includes(wanted))
}

function isFrom(pattern: string, logger: string): boolean {
  if (!pattern.endsWith('.*')) return logger === pattern
  const family = pattern.slice(0, -2)
  return logger === family || logger.startsWith(`${family}.`)
}
