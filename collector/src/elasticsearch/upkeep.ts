import { setTimeout as sleep } from 'node:timers/promises'
import type { Sink } from '../batch.ts'
import type { Readiness } from '../readiness.ts'
import type { Client } from './client.ts'
import { type DaysOptions, expiredIndexes } from './days.ts'
import { removeDeadLetters } from './dead-letters.ts'
import { checkPolicy } from './policy.ts'
import { productProblem } from './product.ts'
import { accept, refusalOf } from './refusal.ts'
import { installTemplates, type TemplateOptions } from './template.ts'

export type UpkeepOptions = DaysOptions & TemplateOptions & { readonly client: Client }

export type Upkeep = {
  /** Looks at the server once, and from then on keeps it as the sink needs it. Never rejects. */
  start(): Promise<void>
  /** Asks the server. Bounded in time, never rejects. */
  readiness(): Promise<Readiness>
  /** `sink`, once the server is known and has our templates; until then everything is `retry`. */
  gate(sink: Sink): Sink
  /** Sees that the templates are there before an index is made. Free for an index that is known. */
  beforeIndex(index: string, signal: AbortSignal): Promise<void>
  stop(): void
}

const FIRST_DELAY_MS = 500
/** A server that comes back is found within this time. */
const DELAY_MS_MAX = 10_000
/** Days change once in 24 h; this often, a failed round does not matter. */
const MAINTAIN_INTERVAL_MS = 3_600_000
const MAINTAIN_TIMEOUT_MS = 60_000
const PREPARE_TIMEOUT_MS = 10_000
const PING_TIMEOUT_MS = 2_000
const DAY_MS = 86_400_000

/** Checks what server it is, puts the templates in place, removes old days. */
export function createUpkeep(options: UpkeepOptions): Upkeep {
  const { client, warn, now, retentionDays } = options
  const stopped = new AbortController()
  const known = new Set<string>()
  const templates = { ...options, warn: onceEach(warn) }
  let state: Readiness = { ready: false, reason: 'it has not been asked yet' }

  async function prepare(): Promise<void> {
    const signal = AbortSignal.any([stopped.signal, AbortSignal.timeout(PREPARE_TIMEOUT_MS)])
    await check(client, signal)
    await installTemplates(templates, signal)
    await checkPolicy(templates, signal)
    state = { ready: true }
  }

  function complain(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error)
    if (stopped.signal.aborted || (!state.ready && state.reason === reason)) return
    state = { ready: false, reason }
    warn(`Elasticsearch takes no log records (${reason}). Trying goes on.`)
  }

  async function prepareUntilReady(): Promise<void> {
    for (let delayMs = FIRST_DELAY_MS; !state.ready; delayMs = Math.min(delayMs * 2, DELAY_MS_MAX)) {
      await pause(delayMs, stopped.signal)
      if (stopped.signal.aborted) return
      await prepare().catch(complain)
    }
  }

  async function maintain(): Promise<void> {
    const signal = AbortSignal.any([stopped.signal, AbortSignal.timeout(MAINTAIN_TIMEOUT_MS)])
    known.clear()
    await installTemplates(templates, signal)
    await checkPolicy(templates, signal)
    if (options.ilmPolicy === undefined) await removeExpired(options, signal)
    await removeDeadLetters(now() - retentionDays * DAY_MS, { ...options, signal })
  }

  async function maintainForever(): Promise<void> {
    while (!stopped.signal.aborted) {
      await maintain().catch((error: unknown) => {
        if (!stopped.signal.aborted)
          warn(`Old log records in Elasticsearch were not removed: ${error instanceof Error ? error.message : error}`)
      })
      await pause(MAINTAIN_INTERVAL_MS, stopped.signal)
    }
  }

  return {
    async start() {
      await prepare().catch(complain)
      void prepareUntilReady().then(maintainForever)
    },
    async readiness() {
      if (!state.ready) return state
      try {
        await check(client, AbortSignal.timeout(PING_TIMEOUT_MS))
        return state
      } catch (error) {
        return { ready: false, reason: error instanceof Error ? error.message : String(error) }
      }
    },
    gate(sink) {
      return async function whenReady(batch, signal) {
        if (state.ready || batch.signal !== 'logs') return await sink(batch, signal)
        return { kind: 'retry', afterMs: 1_000, error: new Error(`Elasticsearch is not ready: ${state.reason}`) }
      }
    },
    async beforeIndex(index, signal) {
      if (known.has(index)) return
      await installTemplates(templates, signal)
      known.add(index)
    },
    stop: () => stopped.abort(),
  }
}

function onceEach(warn: (message: string) => void): (message: string) => void {
  const said = new Set<string>()
  return function warnOnce(message) {
    if (said.has(message)) return
    said.add(message)
    warn(message)
  }
}

/** Throws when the server does not answer, refuses us, or is none that we can use. */
async function check(client: Client, signal: AbortSignal): Promise<void> {
  const answer = await client.ask({ method: 'GET', path: '/', signal })
  // Before the product: a proxy that wants credentials does not say what is behind it.
  if (answer.status === 401 || answer.status === 403) throw refusalOf(answer, 'us')
  if (answer.status >= 500 || answer.status === 429) throw refusalOf(answer, 'to say what it is')
  const problem = productProblem(answer)
  if (problem !== undefined) throw new Error(`${client.url}: ${problem}`)
}

/** Deletes each by its own name: a pattern would also meet what is not ours. */
async function removeExpired(options: UpkeepOptions, signal: AbortSignal): Promise<void> {
  const { client, prefix } = options
  const path = `/${prefix}-*/_settings/index.creation_date?expand_wildcards=open,closed&ignore_unavailable=true`
  const found = await client.ask({ method: 'GET', path, signal })
  const names = found.status === 404 ? [] : Object.keys(Object(accept(found, 'a list of its indexes')))
  for (const name of expiredIndexes(names, options)) {
    const removed = await client.ask({ method: 'DELETE', path: `/${encodeURIComponent(name)}`, signal })
    // Another collector may be faster.
    if (removed.status !== 404) accept(removed, `to delete ${name}`)
  }
}

/** False when `signal` came first. */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return await sleep(ms, true, { signal, ref: false }).catch(() => false)
}
