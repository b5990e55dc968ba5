/** Calls what it was given with a stream when that is gone. Not one for each client: it would go with the client, and tell nothing. */
const LOST = new FinalizationRegistry<() => void>((onLost) => onLost())

/**
 * Tells when nobody can read the stream of a call any more: without it the span of one that the app forgot would end with the process. The
 * first call names the stream, later ones what reads it: as long as a reader lives, so does its stream.
 */
export function watchLoss(onLost: () => void): (stream: object, reader?: object) => void {
  const streams = new WeakMap<object, object>()
  return function comesIn(stream, reader) {
    if (reader) streams.set(reader, stream)
    else LOST.register(stream, onLost)
  }
}
