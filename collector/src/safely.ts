import { asError } from './as-error.ts'
import type { Sink } from './batch.ts'

/** Sinks never reject; one that does has a bug, by which no batch must be lost and no lane end. */
export function safely(sink: Sink): Sink {
  return async function attempt(batch, signal) {
    try {
      return await sink(batch, signal)
    } catch (error) {
      return { kind: 'retry', error: asError(error) }
    }
  }
}
