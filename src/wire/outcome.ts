/** What became of one attempt to hand data on. Only the target knows; only `withRetry` acts on it. */
export type Outcome =
  /** `belowLevel`: log records that are taken and not kept, as they are milder than a store was told to keep. */
  | { readonly kind: 'ok'; readonly rejected?: Rejected; readonly belowLevel?: number }
  | { readonly kind: 'retry'; readonly afterMs?: number; readonly error: Error }
  | { readonly kind: 'drop'; readonly reason: DropReason; readonly error: Error }

/** Items of an accepted batch that can never be stored (`partial_success` of OTLP). */
export type Rejected = { readonly count: number; readonly message: string }

/** Why data was given up. Each is a label of `tts_otel.dropped`; `docs/operations.md` explains them. */
export type DropReason =
  | 'queue_full'
  | 'poison'
  | 'too_large'
  | 'refused'
  | 'rejected'
  | 'undelivered'
  | 'encode'
  | 'spool_full'
  | 'expired'
  | 'corrupt'
  | 'io'

/** A place that data can go. Everything between the queue and the socket, and every sink of the collector, has this one shape. Never throws, never rejects. */
export type Send<T> = (item: T, signal: AbortSignal) => Promise<Outcome>
