import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Api, type ApiAnswer, failure } from './answer.ts'

/** Lets `api` answer requests of Node's HTTP server; false for a request that it leaves to others. */
export function serve(api: Api): (request: IncomingMessage, response: ServerResponse) => Promise<boolean> {
  return async function serveApi(request, response) {
    const answer = await ask(api, request)
    if (answer === undefined) return false
    response.writeHead(answer.status, {
      'content-type': answer.contentType,
      'content-length': Buffer.byteLength(answer.body),
      // The next question may have another answer, and no browser shall guess what it is.
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...answer.headers,
    })
    response.end(request.method === 'HEAD' ? undefined : answer.body)
    return true
  }
}

async function ask(api: Api, request: IncomingMessage): Promise<ApiAnswer | undefined> {
  const { method = 'GET', url = '/', headers, socket } = request
  const target = URL.parse(url, 'http://collector')
  if (target === null) return failure(400, 'invalid_url', 'The URL of this request cannot be read')
  return await api({
    method,
    path: target.pathname,
    query: target.searchParams,
    authorization: headers.authorization,
    address: socket.remoteAddress ?? '',
    ...(method === 'POST' && target.pathname.startsWith('/api/') && { body: await readJson(request) }),
  })
}

/** What a person writes is far smaller. */
const BODY_BYTES_MAX = 65_536
const BODY_MS_MAX = 10_000

/** undefined for what is no JSON, too long or too slow. A web page cannot say that it sends JSON without asking first. */
async function readJson(request: IncomingMessage): Promise<unknown> {
  if (request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() !== 'application/json') return undefined
  const late = setTimeout(() => request.destroy(), BODY_MS_MAX)
  try {
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of request) {
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
