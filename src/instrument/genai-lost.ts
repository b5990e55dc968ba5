/** Calls what it was given with a stream when that is gone. Not one for each client: it would go with the client, and tell nothing. */
const LOST = new FinalizationRegistry<() => void>((onLost) => onLost())

/**
 * Calls `onLost` when nobody can read `stream` any more: without it the span of one that the app forgot would end with the process. Iterators
 * and readers of all clients hold their stream, so as long as one of these lives, the stream does.
 */
export function watchLoss(stream: object, onLost: () => void): void {
  LOST.register(stream, onLost)
}
