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

async function ask(api: Api, { method = 'GET', url = '/', headers, socket }: IncomingMessage): Promise<ApiAnswer | undefined> {
  const target = URL.parse(url, 'http://collector')
  if (target === null) return failure(400, 'invalid_url', 'The URL of this request cannot be read')
  return await api({
    method,
    path: target.pathname,
    query: target.searchParams,
    authorization: headers.authorization,
    address: socket.remoteAddress ?? '',
  })
}
