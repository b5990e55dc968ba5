/** The three OTLP signals in the order in which they are started and stopped. */
export const SIGNALS = ['traces', 'metrics', 'logs'] as const

export type Signal = (typeof SIGNALS)[number]

/**
 * A complete OTLP export request, encoded once: sent, cut and (later) spooled as bytes.
 * `bytes` is a concatenation of protobuf Export*ServiceRequest messages, or one JSON request.
 */
export type Chunk = {
  readonly signal: Signal
  readonly encoding: 'protobuf' | 'json'
  readonly bytes: Uint8Array
  /** Spans, log records or metric points inside. */
  readonly items: number
}
