import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { type WebSocket, WebSocketServer } from 'ws'
import { parseLiveInput, parseLiveSetup } from './live-call.ts'
import { isLiveModeName, LIVE_MODES, type LiveModeName } from './live-modes.ts'
import { interrupted, type LiveQuestion, type LiveStep } from './live-script.ts'

export type LiveOptions = {
  readonly apiKey: string
  /** Factor on every wait. */
  readonly timeScale: number
}

export type Live = {
  /** Answers a request that wants to become a WebSocket. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
  /** Breaks every connection. */
  readonly stop: () => void
}

/** The client puts a slash behind its base URL, which may end in one. */
const PATH = /^\/+ws\/google\.ai\.generativelanguage\.(v1|v1alpha|v1beta)\.GenerativeService\.BidiGenerateContent$/
/** Questions are short; audio comes in pieces of a second. */
const MESSAGE_BYTES_MAX = 1024 * 1024
const MARKER = /\[stand-in:\s*([\w-]+)\s*\]/

/**
 * The Live API: a WebSocket over which one turn follows another. A mode of {@link LIVE_MODES} is chosen for all turns by the header
 * `x-stand-in-mode`, for one by `[stand-in: mode]` in its text.
 */
export function createLive({ apiKey, timeScale }: LiveOptions): Live {
  const server = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_BYTES_MAX })
  return {
    upgrade(request, socket, head) {
      const url = new URL((request.url ?? '/').replace(/^\/+/, '/'), 'http://stand-in')
      const version = PATH.exec(url.pathname)?.[1]
      const mode = String(request.headers['x-stand-in-mode'] ?? 'ok')
      const key = request.headers['x-goog-api-key'] ?? url.searchParams.get('key')
      if (version === undefined) return refuse(socket, '404 Not Found')
      if (!isLiveModeName(mode)) return refuse(socket, '400 Bad Request')
      if (!key || mode === 'refused') return refuse(socket, '403 Forbidden')
      server.handleUpgrade(request, socket, head, (connection) => {
        // Who has a wrong key learns it over the connection. https://github.com/yagudaev/voiceclaw/pull/155
        if (key !== apiKey) connection.close(1007, 'API key not valid. Please pass a valid API key.')
        else serve(connection, { version, mode, timeScale })
      })
    },
    stop() {
      for (const connection of server.clients) connection.terminate()
      server.close()
    },
  }
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

type Serving = { readonly version: string; readonly mode: LiveModeName; readonly timeScale: number }

function serve(connection: WebSocket, { version, mode, timeScale }: Serving): void {
  const mouth = createMouth(connection, timeScale)
  let voice: string | undefined
  let question: LiveQuestion | undefined

  function setUp(setup: unknown): void {
    const session = parseLiveSetup(setup, version)
    if ('refusal' in session) {
      connection.close(session.code, session.refusal)
    } else {
      voice = session.voice
      send(connection, { setupComplete: {} })
    }
  }

  connection.on('close', mouth.hush)
  connection.on('error', mouth.hush)
  connection.on('message', (data) => {
    const input = parseLiveInput(String(data))
    if (input.kind === 'setup') return setUp(input.setup)
    if (voice === undefined || input.kind === 'wrong') return connection.close(1007, 'Request contains an invalid argument.')
    if (input.kind === 'tool-response' && question) return mouth.say(LIVE_MODES.ok.turn(question))
    if (input.kind !== 'question') return
    // Whoever speaks while the model does interrupts it.
    if (question && mouth.hush()) for (const step of interrupted(question)) void act(step, connection, timeScale)
    const marked = MARKER.exec(input.text)?.[1]
    question = { voice, text: input.text.replace(MARKER, '').trim() }
    mouth.say(LIVE_MODES[marked !== undefined && isLiveModeName(marked) ? marked : mode].turn(question))
  })
}

type Mouth = {
  say(steps: readonly LiveStep[]): void
  /** @returns whether it was speaking. */
  hush(): boolean
}

function createMouth(connection: WebSocket, timeScale: number): Mouth {
  let speaking: AbortController | undefined

  async function perform(steps: readonly LiveStep[], turn: AbortController): Promise<void> {
    for (const step of steps) {
      await act(step, connection, timeScale, turn.signal)
      if (turn.signal.aborted) return
    }
    if (speaking === turn) speaking = undefined
  }
  return {
    say(steps) {
      speaking = new AbortController()
      void perform(steps, speaking)
    },
    hush() {
      const wasSpeaking = speaking !== undefined
      speaking?.abort()
      speaking = undefined
      return wasSpeaking
    },
  }
}

async function act(step: LiveStep, connection: WebSocket, timeScale: number, signal?: AbortSignal): Promise<void> {
  if (step.kind === 'send') send(connection, step.message)
  if (step.kind === 'wait') await sleep(step.ms * timeScale, undefined, signal ? { signal } : {}).catch(() => {})
  if (step.kind === 'hang' && signal) await once(signal, 'abort')
  if (step.kind === 'close') connection.close(step.code, step.reason)
  if (step.kind === 'break') connection.terminate()
}

/** Google sends its JSON in binary frames. */
function send(connection: WebSocket, message: object): void {
  connection.send(Buffer.from(JSON.stringify(message)))
}
