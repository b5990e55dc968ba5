import type { Chunk } from '../wire/signal.ts'
import type { PostOptions } from './post.ts'

/** What the thread of the last breath is given. Plain data; its mark keeps our own `register` out of that thread. */
export type LastBreathData = {
  readonly 'tts-otel': 'internal'
  readonly parcels: readonly { readonly chunk: Chunk; readonly post: PostOptions }[]
  /** Int32: whether all is over, then one cell for each parcel. */
  readonly outcomes: SharedArrayBuffer
}

/** First cell: nothing more will come. */
export const DONE = 1
/** Cell of a parcel: the collector acknowledged it. */
export const TAKEN = 1

export function isLastBreath(data: unknown): data is LastBreathData {
  return typeof data === 'object' && data !== null && 'outcomes' in data && data.outcomes instanceof SharedArrayBuffer
}
