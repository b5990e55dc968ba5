import { DecodeError } from './decode-error.ts'

/** Deepest nesting of objects and arrays: the deepest attribute values that are decoded need 200. Far below what `JSON.stringify` and our stack can take. */
const DEPTH_MAX = 256

/**
 * Objects and arrays in one request. 2 million: a body of 20 MiB with one every ten bytes; an empty one has three bytes and becomes 150 or more,
 * which would fill the memory.
 */
const CONTAINERS_MAX = 2 ** 21

const [QUOTE, BACKSLASH] = [0x22, 0x5c]
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d]

/**
 * Looks at a body before it is parsed, as parsing alone makes all its objects. Throws DecodeError for one that is nested too deep or holds too much.
 * What is no JSON at all is left to the parser.
 */
export function checkShape(bytes: Uint8Array): void {
  let depth = 0
  let containers = 0
  let inText = false
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === QUOTE) inText = !inText
    else if (inText) at += byte === BACKSLASH ? 1 : 0
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      if (++depth > DEPTH_MAX) throw new DecodeError(`objects and arrays are nested deeper than ${DEPTH_MAX}`)
      if (++containers > CONTAINERS_MAX) throw new DecodeError('there are too many objects and arrays (send smaller batches)')
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) depth--
  }
}
