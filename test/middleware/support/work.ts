/** What the routes of the contract do, whatever framework calls them. */
import { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { getLogger } from '../../../src/log/logger.ts'
import { getRequestId, setUser } from '../../../src/request-context.ts'
import { SEKRET } from './failures.ts'

const log = getLogger('app')

/** The request id as it is seen in every kind of asynchronous work. */
export async function idsEverywhere(): Promise<string[]> {
  const ids = [getRequestId()]
  await sleep(Math.random() * 5)
  ids.push(getRequestId())
  await new Promise((resolve) => setTimeout(() => resolve(ids.push(getRequestId())), 1))
  for await (const _ of Readable.from(['a', 'b'])) ids.push(getRequestId())
  const emitter = new EventEmitter()
  emitter.once('ready', () => ids.push(getRequestId()))
  await new Promise((resolve) => setImmediate(() => resolve(emitter.emit('ready'))))
  queueMicrotask(() => ids.push(getRequestId()))
  await sleep(1)
  return ids
}

/** As an app does it: the user is known some time after the request has come in. */
export async function signIn(user: string): Promise<{ user: string }> {
  await sleep(1)
  setUser(user)
  log.info('signed in')
  return { user }
}

/** Audio in pieces; breaks after the second one where it is told to. */
export async function* pieces(isBroken: boolean): AsyncGenerator<Buffer> {
  for (const piece of ['one ', 'two ']) {
    yield Buffer.from(piece)
    await sleep(10)
  }
  if (isBroken) throw new Error(`the voice broke: ${SEKRET}`)
  yield Buffer.from('three')
}

/** Work that ends with the request: rejects as undici does when `signal` aborts, and never resolves. */
export function endlessWork(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
}

/** Larger bodies are refused with 413. */
export const BODY_BYTES_MAX = 1_024

/** The request id in each event of a body that is read by hand. */
export async function idsOfBody(message: IncomingMessage): Promise<string[]> {
  const ids = [getRequestId()]
  message.on('data', () => ids.push(getRequestId()))
  await new Promise((resolve) => message.on('end', () => resolve(ids.push(getRequestId()))))
  return [...ids, getRequestId()]
}

/** Aborts when the client goes away. */
export function signalOf(response: ServerResponse): AbortSignal {
  const controller = new AbortController()
  response.on('close', () => response.writableFinished || controller.abort())
  return controller.signal
}

/** As `http-errors` makes it, with headers that are for the client and one that is not. */
export function madeForHttp(status: number): Error {
  const headers = { 'www-authenticate': 'Basic realm="tts"', 'x-upstream': SEKRET }
  return Object.assign(new Error(SEKRET), { status, statusCode: status, expose: status < 500, headers })
}
