import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ReadRefusal, RefusalStats } from '../refusal-stats.ts'
import { type Api, type ApiAnswer, failure } from './answer.ts'

export type ServeOptions = {
  readonly refusals: RefusalStats
  /** Default {@link READS_MAX}. */
  readonly readsMax?: number
  /** Longest wait for the body of a question. Default {@link BODY_MS_MAX}. */
  readonly bodyMs?: number
}

/** Questions in hand, from their arrival until their answer is taken. 32: an answer has some megabytes at most, and the store answers fewer at once. */
const READS_MAX = 32
const RETRY_AFTER_S = 1
/** What a person writes is far smaller. */
const BODY_BYTES_MAX = 65_536
/** It fits a packet or two. */
const BODY_MS_MAX = 10_000

const REFUSED: { readonly [status: number]: ReadRefusal } = { 401: 'unauthorized', 403: 'forbidden', 429: 'overloaded' }

/** Lets `api` answer requests of Node's HTTP server; false for a request that it leaves to others. Health is answered however much is asked. */
export function serve(
  api: Api,
  { refusals, readsMax = READS_MAX, bodyMs = BODY_MS_MAX }: ServeOptions,
): (request: IncomingMessage, response: ServerResponse) => Promise<boolean> {
  let inHand = 0

  function ask(request: IncomingMessage, response: ServerResponse): Promise<ApiAnswer | undefined> | ApiAnswer {
    const target = URL.parse(request.url ?? '/', 'http://collector')
    if (target === null) return failure(400, 'invalid_url', 'The URL of this request cannot be read')
    if (target.pathname.startsWith('/api/')) {
      if (inHand >= readsMax) return tooMany()
      inHand++
      response.once('close', () => inHand--)
    }
    return api({
      method: request.method ?? 'GET',
      path: target.pathname,
      query: target.searchParams,
      authorization: request.headers.authorization,
      accept: request.headers.accept,
      address: request.socket.remoteAddress ?? '',
      body: () => readJson(request, { refusals, bodyMs }),
    })
  }

  return async function serveApi(request, response) {
    const answer = await ask(request, response)
    if (answer === undefined) return false
    const refused = REFUSED[answer.status]
    if (refused !== undefined) refusals.addRead(refused)
    response.writeHead(answer.status, {
      'content-type': answer.contentType,
      'content-length': Buffer.byteLength(answer.body),
      // The next question may have another answer, and no browser shall guess what it is.
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
      ...answer.headers,
    })
    response.end(request.method === 'HEAD' ? undefined : answer.body)
    return true
  }
}

function tooMany(): ApiAnswer {
  return failure(429, 'overloaded', 'Too many questions are being answered. Ask again later', { 'retry-after': String(RETRY_AFTER_S) })
}

/** undefined for what is no JSON or too long; who is too slow is cut off. A web page cannot say that it sends JSON without asking first. */
async function readJson(
  request: IncomingMessage,
  { refusals, bodyMs }: Required<Pick<ServeOptions, 'refusals' | 'bodyMs'>>,
): Promise<unknown> {
  if (request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() !== 'application/json') return undefined
  const late = setTimeout(() => {
    refusals.addConnection('too_slow')
    request.destroy()
  }, bodyMs)
  try {
    const chunks: Buffer[] = []
    let bytes = 0
    // What is left of a body that is too long is read away by the receiver, so that the answer arrives.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      bytes += chunk.length
      if (bytes > BODY_BYTES_MAX) return undefined
      chunks.push(chunk)
    }
    return JSON.parse(Buffer.concat(chunks).toString())
  } catch {
    return undefined
  } finally {
    clearTimeout(late)
  }
}
