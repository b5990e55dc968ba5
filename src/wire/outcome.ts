/** What became of one attempt to hand data on. Only the target knows; only `withRetry` acts on it. */
export type Outcome =
  | { readonly kind: 'ok'; readonly rejected?: Rejected }
  | { readonly kind: 'retry'; readonly afterMs?: number; readonly error: Error }
  | { readonly kind: 'drop'; readonly reason: DropReason; readonly error: Error }

/** Items of an accepted batch that can never be stored (`partial_success` of OTLP). */
export type Rejected = { readonly count: number; readonly message: string }

/** Why data was given up. Each is a key of `dropped` in `getTelemetryHealth()`. */
export type DropReason = 'queue_full' | 'poison' | 'too_large' | 'refused' | 'rejected' | 'undelivered' | 'encode'

/** A place that data can go. Everything between the queue and the socket, and every sink of the collector, has this one shape. Never throws, never rejects. */
export type Send<T> = (item: T, signal: AbortSignal) => Promise<Outcome>
