import { setTimeout as sleep } from 'node:timers/promises'
import type { GenerateContentConfig } from '@google/genai'

/** The client's own retries: after 0.3 to 0.6 s, and again after twice as long. */
const RETRY_OPTIONS = { attempts: 3, initialDelay: 0.3, maxDelay: 2 }
/** Nobody waits longer for speech to begin: who is told to come back later than this gives up. */
const TOLD_DELAY_MS_MAX = 5_000
/** Gemini leaves off the fraction: `retryDelay` is 58s where the message says 58.93. https://github.com/googleapis/python-genai/pull/2114 */
const FRACTION_MS = 1_000

/**
 * Options of one call, which retry it. The client knows only delays of its own, so a `fetch` keeps its next attempt waiting for as long as
 * Gemini has asked for. To the telemetry it is one call with several attempts.
 */
export function retrying(): Pick<GenerateContentConfig, 'abortSignal' | 'httpOptions'> {
  const givingUp = new AbortController()
  let notBeforeMs = 0

  async function patientFetch(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
    await sleepUntil(notBeforeMs, init.signal)
    const response = await fetch(input, init)
    if (response.status < 400) return response
    const body = await response.text()
    const delayMs = toldDelayMs(body, response.headers)
    notBeforeMs = performance.now() + delayMs
    // The client tries again whatever it is told, but not for a caller who has given up: that one gets the error.
    if (delayMs > TOLD_DELAY_MS_MAX) givingUp.abort()
    return new Response(body, response)
  }

  return { abortSignal: givingUp.signal, httpOptions: { retryOptions: RETRY_OPTIONS, fetch: patientFetch } }
}

async function sleepUntil(ms: number, signal: AbortSignal | null | undefined): Promise<void> {
  const delayMs = ms - performance.now()
  if (delayMs > 0) await sleep(delayMs, undefined, signal ? { signal } : {})
}

/** From `"retryDelay": "20s"` in the body, or `Retry-After: 20`; 0 where nothing is told. */
function toldDelayMs(body: string, headers: Headers): number {
  const seconds = Number(/"retryDelay":\s*"([\d.]+)s"/.exec(body)?.[1] ?? headers.get('retry-after') ?? 0)
  return seconds > 0 ? seconds * 1_000 + FRACTION_MS : 0
}
