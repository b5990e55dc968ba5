import { AsyncLocalStorage } from 'node:async_hooks'
import type { TtsRequest } from './job.ts'

/** On `globalThis`: what watches Gemini is a file of its own in the bundle, with a copy of this one. */
const CURRENT = Symbol.for('tts-otel.request')

const current: AsyncLocalStorage<TtsRequest> = Reflect.get(globalThis, CURRENT) ?? new AsyncLocalStorage()
Reflect.set(globalThis, CURRENT, current)

/** The speech request that this code runs in. */
export function currentTtsRequest(): TtsRequest | undefined {
  return current.getStore()
}

/** Runs `fn` inside of `request`. */
export function runInTtsRequest<T>(request: TtsRequest, fn: () => T): T {
  return current.run(request, fn)
}
