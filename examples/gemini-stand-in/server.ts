import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseCall, parsePath, type SpeechCall } from './call.ts'
import { createLive } from './live.ts'
import { createModeLists, type ModeLists } from './mode-lists.ts'
import { answerModels, parseModelsPath } from './models.ts'
import { isModeName, MODES, type ModeName } from './modes.ts'
import { invalidArgument, KEY_MISSING, KEY_WRONG, notFound, type Refusal, refuse } from './refusals.ts'
import { play, type Script } from './script.ts'

export type StandInOptions = {
  /** The only key that is let in; anything else gets Google's answer to a wrong one. Default {@link STAND_IN_KEY}. */
  readonly apiKey?: string
  /** Factor on every wait: 1 is as slow as Gemini, 0.01 is for tests. Default 1. */
  readonly timeScale?: number
  /** Chooses the mode of a request that names none; `index` counts requests from 0. Default `ok`. */
  readonly chooseMode?: (index: number) => ModeName
}

export type GeminiStandIn = {
  /** Listens on 127.0.0.1; port 0 or none takes a free one. Rejects when the port is busy. */
  readonly listen: (port?: number) => Promise<{ readonly url: string; readonly port: number }>
  /** Ends every connection, also those that hang. */
  readonly stop: () => Promise<void>
}

export const STAND_IN_KEY = 'stand-in-key'

/** More than the longest text that Gemini takes, with room for JSON around it. */
const BODY_BYTES_MAX = 1024 * 1024

/**
 * A server that answers `generateContent`, `streamGenerateContent`, `interactions` and the Live API as Gemini's speech models do, failures included.
 *
 * A mode of {@link MODES} is chosen by the header `x-stand-in-mode`, by `?mode=`, or by `[stand-in: mode]` in the text, in this order. Of
 * several modes with commas between them, requests for the same text take one after the other.
 */
export function createGeminiStandIn(options: StandInOptions = {}): GeminiStandIn {
  const { apiKey = STAND_IN_KEY, timeScale = 1, chooseMode = () => 'ok' } = options
  const stopping = new AbortController()
  const lists = createModeLists()
  let requests = 0

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const leaving = new AbortController()
    response.on('close', () => leaving.abort())
    const body = await readBody(request)
    const script = scriptFor(request, body, { apiKey, lists, chooseMode: () => chooseMode(requests++) })
    await play(script, response, { timeScale, signal: AbortSignal.any([leaving.signal, stopping.signal]) })
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  const live = createLive({ apiKey, timeScale })
  server.on('upgrade', live.upgrade)
  return {
    listen: (port = 0) =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen(port, '127.0.0.1', () => {
          const { port: actual } = server.address() as AddressInfo // a TCP server that listens has no other kind of address
          resolve({ url: `http://127.0.0.1:${actual}`, port: actual })
        })
      }),
    stop: () =>
      new Promise((resolve) => {
        stopping.abort()
        live.stop()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

type Choice = { readonly apiKey: string; readonly lists: ModeLists; readonly chooseMode: () => ModeName }

function scriptFor(request: IncomingMessage, body: string, { apiKey, lists, chooseMode }: Choice): Script {
  const url = new URL(request.url ?? '/', 'http://stand-in')
  const askedMode = request.headers['x-stand-in-mode'] ?? url.searchParams.get('mode')
  const refusal = keyRefusal(request.headers['x-goog-api-key'] ?? url.searchParams.get('key'), apiKey)
  const models = request.method === 'GET' ? parseModelsPath(url) : null
  if (models) return refusal ? refuse(refusal) : inMode(String(askedMode ?? 'ok'), (mode) => failureOf(mode) ?? answerModels(models))
  const target = request.method === 'POST' ? parsePath(url.pathname) : null
  if (!target) return refuse(notFound(`${request.method} ${url.pathname} is nothing that this stand-in serves.`))
  const call = refusal ?? parseCall(target, parseJson(body))
  if (isRefusal(call)) return refuse(call, target.api)
  const names = String(askedMode ?? call.markedMode ?? chooseMode())
  return inMode(lists.take(names, call.text), (mode) => MODES[mode].answer(call))
}

function keyRefusal(key: string | readonly string[] | null, apiKey: string): Refusal | undefined {
  if (!key) return KEY_MISSING
  return key === apiKey ? undefined : KEY_WRONG
}

function inMode(name: string, answer: (mode: ModeName) => Script): Script {
  if (isModeName(name)) return answer(name)
  return refuse(invalidArgument(`The stand-in has no mode "${name}"; it has ${Object.keys(MODES).join(', ')}.`))
}

/** What a mode does to a request that is not about speech: it fails for the same reason, or does not notice. */
function failureOf(mode: ModeName): Script | undefined {
  const script = MODES[mode].answer({
    api: 'models',
    model: 'models',
    streamed: false,
    text: '',
    voice: 'Kore',
    continuationToken: null,
    markedMode: null,
  })
  return script.status >= 400 || script.steps[0]?.kind === 'hang' ? script : undefined
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += chunk.length
    if (bytes > BODY_BYTES_MAX) throw new Error(`body over ${BODY_BYTES_MAX} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/** What is not JSON holds no text, and is refused for that. */
function parseJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return null
  }
}

function isRefusal(value: SpeechCall | Refusal): value is Refusal {
  return 'status' in value
}
