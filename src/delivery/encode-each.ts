import type { Encoder } from '../wire/encode.ts'
import type { Chunk } from '../wire/signal.ts'

/**
 * Encodes a batch into one chunk. When an item breaks the serializer (an attribute with a throwing getter, a cycle), the batch is
 * halved until that item is alone and handed to `onBroken`; the others arrive in more than one chunk.
 */
export function encodeEach<T>(encoder: Encoder<T>, items: readonly T[], onBroken: (item: T, error: Error) => void): readonly Chunk[] {
  try {
    return [encoder.encode(items)]
  } catch (error) {
    const [only] = items
    if (only === undefined) return []
    if (items.length === 1) {
      onBroken(only, error instanceof Error ? error : new Error(String(error)))
      return []
    }
    const middle = items.length >> 1
    return [...encodeEach(encoder, items.slice(0, middle), onBroken), ...encodeEach(encoder, items.slice(middle), onBroken)]
  }
}
