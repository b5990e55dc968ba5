/** What Node, undici and body parsers throw when the other end is gone. */
const ABORT_CODES = new Set(['ABORT_ERR', 'ECONNABORTED', 'ECONNRESET', 'EPIPE', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_PREMATURE_CLOSE'])
const CAUSES_MAX = 5

/**
 * Whether an error, or one that it came from, says that a connection or call was broken off. Once the client is gone that is its own doing;
 * while it is there, it is a fault of something that we called.
 */
export function isAbort(thrown: unknown): boolean {
  try {
    let current = thrown
    for (let depth = 0; depth <= CAUSES_MAX && current instanceof Error; depth++) {
      if (current.name === 'AbortError' || ('code' in current && ABORT_CODES.has(String(current.code)))) return true
      current = current.cause
    }
  } catch {
    // A getter of the error throws: then it is no error of Node's.
  }
  return false
}
