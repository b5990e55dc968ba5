import { type Config, type ParsedConfig, processConfig } from '../config.ts'
import { explainTls } from '../tls-failure.ts'
import { type AskOptions, ask, type Reply } from './ask.ts'
import { CollectorError, type CollectorErrorCode } from './collector-error.ts'
import { at } from './json.ts'

/** Which collector is asked, and how long it may take. */
export type CollectorOptions = {
  /** Its address. Default: TTS_OTEL_COLLECTOR_URL, then that of OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly url?: string | undefined
  /** Its READ_TOKEN. Default: TTS_OTEL_READ_TOKEN. */
  readonly token?: string | undefined
  /** For the whole answer, however many pages it has. Default 10,000. */
  readonly timeoutMs?: number | undefined
  /** Ends the wait earlier; the promise rejects with its reason. */
  readonly signal?: AbortSignal | undefined
}

export type QueryValue = string | number | undefined

export type CollectorClient = {
  /** Without path and credentials. */
  readonly origin: string
  /** The body of a 200; rejects with {@link CollectorError} otherwise. Undefined values are left out of the query. */
  get(path: string, query?: Readonly<Record<string, QueryValue>>): Promise<unknown>
}

/** Longer than the collector gives its store for a page that people look at. */
const TIMEOUT_MS = 10_000

/** A collector to read from; its time limit begins now. Throws {@link CollectorError} without a usable address. */
export function openCollector(options: CollectorOptions = {}, parsed: ParsedConfig = processConfig()): CollectorClient {
  const pages = findPages(options, parsed)
  const { origin } = new URL(pages.url)
  const { timeoutMs = TIMEOUT_MS, signal: given } = options
  const limit = AbortSignal.timeout(timeoutMs)
  const signal = given === undefined ? limit : AbortSignal.any([limit, given])

  async function reply(target: string): Promise<Reply> {
    try {
      return await ask(pages, target, signal)
    } catch (cause) {
      given?.throwIfAborted()
      if (limit.aborted) throw new CollectorError('TIMEOUT', `The collector at ${origin} did not answer within ${timeoutMs} ms`, { cause })
      throw new CollectorError('UNREACHABLE', `The collector at ${origin} is not reached: ${reasonOf(cause)}`, { cause })
    }
  }

  return {
    origin,
    async get(path, query = {}) {
      const params = new URLSearchParams()
      for (const [name, value] of Object.entries(query)) if (value !== undefined) params.append(name, String(value))
      const { status, body } = await reply(params.size === 0 ? path : `${path}?${params}`)
      if (status === 200 && typeof body === 'object' && body !== null) return body
      throw refusal(origin, status, body)
    },
  }
}

function findPages({ url, token }: CollectorOptions, { config, problems }: ParsedConfig): AskOptions {
  const wrong = problems.find(
    (problem) =>
      (url === undefined && problem.startsWith('TTS_OTEL_COLLECTOR_URL')) ||
      (token === undefined && problem.startsWith('TTS_OTEL_READ_TOKEN')),
  )
  if (wrong !== undefined) throw new CollectorError('NOT_CONFIGURED', wrong)
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token))
    throw new CollectorError('NOT_CONFIGURED', 'The token must be visible ASCII characters without spaces')
  return { url: findAddress(url, config), token: token ?? config.reading.token, proxy: config.proxy, tls: config.signals.logs.tls }
}

const LOGS_PATH = '/v1/logs'

function findAddress(given: string | undefined, { reading, signals }: Config): string {
  if (given !== undefined) {
    if (!/^https?:$/.test(URL.parse(given)?.protocol ?? ''))
      throw new CollectorError('NOT_CONFIGURED', 'The url of the collector must start with http:// or https://')
    return given
  }
  if (reading.url !== undefined) return reading.url
  const { url } = signals.logs
  if (!url.endsWith(LOGS_PATH))
    throw new CollectorError('NOT_CONFIGURED', 'Set TTS_OTEL_COLLECTOR_URL to the address of the tts-otel-collector')
  return url.slice(0, -LOGS_PATH.length)
}

const CODES: Readonly<Record<number, CollectorErrorCode>> = {
  400: 'INVALID_PARAMETER',
  401: 'UNAUTHORIZED',
  403: 'UNAUTHORIZED',
  429: 'UNAVAILABLE',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'UNAVAILABLE',
}

function refusal(origin: string, status: number, body: unknown): CollectorError {
  const message = at(body, 'message')
  // Only a collector says `error` and `message`; what a proxy or a web server says is a page.
  const isOurs = typeof message === 'string' && typeof at(body, 'error') === 'string'
  const code = status === 404 ? (isOurs ? 'NOT_FOUND' : 'NOT_A_COLLECTOR') : (CODES[status] ?? 'NOT_A_COLLECTOR')
  if (code === 'UNAUTHORIZED')
    return new CollectorError(
      code,
      `The collector at ${origin} refuses to be read (${status}): set TTS_OTEL_READ_TOKEN to its READ_TOKEN`,
      {
        status,
      },
    )
  if (isOurs) return new CollectorError(code, `The collector at ${origin}: ${message}`, { status })
  const hint = code === 'NOT_A_COLLECTOR' ? '; this is not the API of a tts-otel-collector, see TTS_OTEL_COLLECTOR_URL' : ''
  return new CollectorError(code, `${origin} answered ${status}${hint}`, { status })
}

/** Several addresses that all fail come as one error without a message. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return [...new Set(error.errors.map(reasonOf))].join(', ')
  return explainTls(error) ?? (error instanceof Error ? error.message : String(error))
}
