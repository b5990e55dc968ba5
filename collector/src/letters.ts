import type { Batch } from './batch.ts'

export type StoreName = 'postgres' | 'elasticsearch'

/** A record that a store could never take, as it is kept there. */
export type Letter = {
  readonly id: string
  readonly store: StoreName
  /** ISO 8601, UTC. */
  readonly arrived: string
  /** What kind of record: `logs`, `spans`, `metric_points`. */
  readonly signal: string
  /** The store's own name of the error. */
  readonly code: string
  readonly reason: string
  /** JSON; cut off at its end when it was very long. */
  readonly record: string
}

export type LetterFilter = {
  /** Ids; undefined for all. */
  readonly ids?: readonly string[] | undefined
  readonly limit: number
}

/** The dead letters of one store. */
export type LetterBox = {
  readonly store: StoreName
  readonly count: () => Promise<number>
  /** Newest first. */
  readonly list: (filter: LetterFilter) => Promise<readonly Letter[]>
  /** Says how many there were. */
  readonly remove: (ids: readonly string[]) => Promise<number>
  /** Offers the record to the store again. Rejects when the store does not answer. */
  readonly resend: (batch: Batch) => Promise<Resent>
}

export type Resent = { readonly kind: 'stored' } | { readonly kind: 'refused'; readonly reason: string }

/** The record of a letter as a batch of one; undefined when it was cut off, or is none. */
export function toBatch({ signal, record }: Letter): Batch | undefined {
  const found = parse(record)
  if (typeof found !== 'object' || found === null || !('resource' in found) || !('scope' in found)) return undefined
  // What was written as JSON is read as it was: a collector wrote it.
  const records = [found] as never
  if (signal === 'logs') return { signal: 'logs', records }
  if (signal === 'spans') return { signal: 'traces', records }
  return signal === 'metric_points' ? { signal: 'metrics', records } : undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
