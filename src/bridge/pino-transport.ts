/** The other end of `pino({ transport: { target: 'tts-otel/pino' } })`, in the worker thread that pino starts. */
import { Writable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { parentPort, workerData } from 'node:worker_threads'
import { logs } from '@opentelemetry/api'
import { processConfig } from '../config.ts'
import { registered } from '../registered.ts'
import { createSdk } from '../sdk.ts'
import { followMainThread } from '../worker-ends.ts'
import { createBridge } from './emit.ts'
import { toKeys } from './pino-keys.ts'
import { PINO_DEFAULTS, type PinoKeys, toRecord } from './pino-line.ts'

/** How long the end of the process may wait for the last records. */
const FLUSH_MS_MAX = 2_000
/** pino tells the worker its options right after the start. */
const CONFIG_WAIT_MS_MAX = 1_000
/** A line without an end is passed on in pieces. */
const LINE_CHARS_MAX = 1_048_576

/** What ends and flushes the SDK of this thread. */
type Flush = (timeoutMs: number) => Promise<unknown>

/**
 * Makes the stream that pino writes its lines to. `register` runs in every thread that its flag reaches, so its SDK is there
 * already; otherwise (pino takes the flag from its worker where the app is an ES module, or the app uses `createSdk`) this thread gets one from
 * the environment. Ids are those in the line: use `mixin: requestFields`.
 */
export async function createPinoTransport(): Promise<Writable> {
  const flush = findSdk()
  const bridge = createBridge()
  const keys = await receiveKeys()
  const decoder = new StringDecoder('utf8')
  let waiting = ''

  function take(text: string): void {
    const lines = (waiting + text).split('\n')
    waiting = lines.pop() ?? ''
    if (waiting.length > LINE_CHARS_MAX) lines.push(waiting.slice(0, LINE_CHARS_MAX))
    if (waiting.length > LINE_CHARS_MAX) waiting = ''
    for (const line of lines) if (line !== '') bridge(toRecord(parse(line), keys))
  }

  return new Writable({
    decodeStrings: true,
    write(chunk: Buffer, _encoding, done) {
      take(decoder.write(chunk))
      done()
    },
    final(done) {
      take(`${decoder.end()}\n`)
      void flush(FLUSH_MS_MAX).then(
        () => done(),
        () => done(),
      )
    },
  })
}

function findSdk(): Flush {
  const sdk = registered()
  if (sdk !== undefined) return (timeoutMs) => sdk.forceFlush(timeoutMs)
  const own = createSdk(processConfig().config)
  logs.setGlobalLoggerProvider(own.loggerProvider)
  const leave = followMainThread((timeoutMs) => own.forceFlush(timeoutMs))
  return (timeoutMs) => own.shutdown(timeoutMs).finally(leave)
}

/** Levels and keys of the logger in the main thread. */
function receiveKeys(): Promise<PinoKeys> {
  const port = parentPort
  if (port === null || workerData?.workerData?.pinoWillSendConfig !== true) return Promise.resolve(PINO_DEFAULTS)
  return new Promise((resolve) => {
    const finish = (keys: PinoKeys): void => {
      clearTimeout(timer)
      port.off('message', receive)
      resolve(keys)
    }
    const timer = setTimeout(finish, CONFIG_WAIT_MS_MAX, PINO_DEFAULTS)
    const receive = (message: { readonly code?: unknown; readonly config?: Parameters<typeof toKeys>[0] }): void => {
      if (message.code === 'PINO_CONFIG') finish(toKeys(message.config ?? {}))
    }
    port.on('message', receive)
  })
}

function parse(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value))
  } catch {
    // A hook of the app may write anything.
  }
  return { [PINO_DEFAULTS.messageKey]: line }
}
