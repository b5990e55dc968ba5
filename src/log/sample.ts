/** What decides about one record: with a trace all its DEBUG records share a fate, in every process; else those of a request do. */
export type SampleBasis = { readonly traceId: string | undefined; readonly requestId: string | undefined }

/** The random part of a trace id is its last 14 digits; 13 of them are what a double holds. https://www.w3.org/TR/trace-context-2/#random-trace-id-flag */
const RANDOM_START = -14
const RANDOM_END = -1
const RANDOM_VALUES = 2 ** 52
const HASH_VALUES = 2 ** 32

/**
 * Whether a share of `ratio` holds this record. Traces are judged as OpenTelemetry's consistent samplers do, by comparing the random part of
 * their id with a threshold: a trace that a ratio keeps is kept by every higher one.
 * https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/
 */
export function isSampled(ratio: number, { traceId, requestId }: SampleBasis, random: () => number = Math.random): boolean {
  if (ratio >= 1) return true
  return shareOf(traceId, requestId, random) >= 1 - ratio
}

/** In [0, 1), evenly spread over traces and requests. */
function shareOf(traceId: string | undefined, requestId: string | undefined, random: () => number): number {
  if (traceId !== undefined) return Number.parseInt(traceId.slice(RANDOM_START, RANDOM_END), 16) / RANDOM_VALUES
  return requestId === undefined ? random() : hash(requestId) / HASH_VALUES
}

/** FNV-1a with the final mix of MurmurHash3, as ids may differ in one character only. http://www.isthe.com/chongo/tech/comp/fnv/ */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}
