import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../../config.ts'
import { type AskOptions, ask } from '../../reading/ask.ts'
import { at } from '../../reading/json.ts'
import type { Signal } from '../../wire/signal.ts'
import type { Deadline } from './deadline.ts'
import { type Finding, ok, problem, skipped, warning } from './findings.ts'
import type { Delivered } from './synthetic.ts'

/** Our collector answers after it has stored; one behind the official collector gets it some seconds later. */
const ARRIVAL_MS_MAX = 4_000
const POLL_MS = 50

/** The collector as far as it is known; `pages` is undefined when there is nothing to read from. */
export type FoundCollector = { readonly findings: readonly Finding[]; readonly pages: AskOptions | undefined }

/** Looks whether the store of a tts-otel-collector can be read: at its own address, or where the signals go. */
export async function findCollector(config: Config, signals: readonly Signal[], deadline: Deadline): Promise<FoundCollector> {
  const { url: given, token } = config.reading
  const signal = signals.find((each) => config.signals[each].url.endsWith(`/v1/${each}`))
  const url = given ?? (signal && config.signals[signal].url.slice(0, -`/v1/${signal}`.length))
  if (url === undefined) return { findings: [skipped('collector', NO_ADDRESS)], pages: undefined }
  const pages: AskOptions = { url, token, proxy: config.proxy, tls: config.signals[signal ?? 'traces'].tls }
  const name = new URL(url).origin
  try {
    const store = readStore((await ask(pages, '/health', AbortSignal.timeout(deadline.stepMs()))).body)
    if (store === undefined) throw new Error('its /health is not that of a tts-otel-collector')
    return store.reason === undefined
      ? { findings: [ok('collector', `${name} is a tts-otel-collector, storing in ${store.kind}`)], pages }
      : { findings: [problem('collector', `${name} cannot store in ${store.kind}: ${store.reason}`)], pages }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { findings: [given === undefined ? skipped('collector', OTHER) : problem('collector', `${name}: ${why}`)], pages: undefined }
  }
}

const NO_ADDRESS = 'set TTS_OTEL_COLLECTOR_URL to the tts-otel-collector, and what arrives there is read back'
const OTHER = 'the receiver is no tts-otel-collector; when one stands behind it, set TTS_OTEL_COLLECTOR_URL, and what arrives is read back'

type Store = { readonly kind: string; readonly reason: string | undefined }

/** `{"checks": {"store": {"kind": "postgres", "status": "healthy"}}}` */
function readStore(body: unknown): Store | undefined {
  const store = at(at(body, 'checks'), 'store')
  const kind = at(store, 'kind')
  if (typeof kind !== 'string') return undefined
  return { kind, reason: at(store, 'status') === 'healthy' ? undefined : String(at(store, 'reason') ?? 'no reason given') }
}

export type ArrivalOptions = {
  readonly signal: Signal
  readonly delivered: Delivered
  readonly requestId: string
  readonly collector: FoundCollector
  readonly deadline: Deadline
}

/** Whether what was delivered can be read, and how long after it was made. Nothing when there is nowhere to read, or nothing to find. */
export async function checkArrival(options: ArrivalOptions): Promise<readonly Finding[]> {
  const { signal, delivered, collector } = options
  if (delivered.kind === 'failed' || collector.pages === undefined) return []
  if (signal === 'metrics') return [skipped('arrival', 'metrics: acknowledged once stored; there is no page for a single point')]
  const page = PAGES[signal]
  const endMs = performance.now() + Math.min(ARRIVAL_MS_MAX, options.deadline.stepMs())
  while (performance.now() < endMs) {
    const { status, body } = await askSafely(collector.pages, `${page.path}?request_id=${options.requestId}`, options.deadline.stepMs())
    if (status === 401) return [warning('arrival', `${signal}: the collector asks its readers for a token`)]
    if (status === 403) return [warning('arrival', `${signal}: the collector lets nobody read, for it was started without a READ_TOKEN`)]
    const rows = at(body, page.rows)
    if (Array.isArray(rows) && rows.length > 0)
      return [ok('arrival', `${page.item} readable after ${Math.round(performance.now() - delivered.madeAtMs)} ms`)]
    await sleep(POLL_MS)
  }
  return [problem('arrival', `${signal}: acknowledged, but not readable after ${ARRIVAL_MS_MAX / 1_000} s`)]
}

const PAGES = {
  traces: { path: '/api/traces', rows: 'traces', item: 'span' },
  logs: { path: '/api/logs', rows: 'logs', item: 'log record' },
} as const

/** A page that fails once may answer at the next look. */
async function askSafely(pages: AskOptions, path: string, timeoutMs: number): Promise<{ readonly status: number; readonly body: unknown }> {
  return await ask(pages, path, AbortSignal.timeout(timeoutMs)).catch(() => ({ status: 0, body: undefined }))
}
