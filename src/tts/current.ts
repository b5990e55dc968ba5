import { AsyncLocalStorage } from 'node:async_hooks'
import { shared } from '../shared.ts'
import type { TtsRequest } from './job.ts'

/** What watches Gemini is a file of its own in the bundle, with a copy of this one. */
const current = shared('request', () => new AsyncLocalStorage<TtsRequest>())

/** The speech request that this code runs in. */
export function currentTtsRequest(): TtsRequest | undefined {
  return current.getStore()
}

/** Runs `fn` inside of `request`. */
export function runInTtsRequest<T>(request: TtsRequest, fn: () => T): T {
  return current.run(request, fn)
}
