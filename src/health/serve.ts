import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Health } from './health.ts'

/**
 * Serves `/livez`, `/readyz` and `/health` (GET and HEAD) from a plain `node:http` server:
 * `if (await serve(request, response)) return`, before anything that may be slow or wants a user.
 *
 * @returns a handler that says whether it has answered.
 */
export function serveHealth(health: Health): (request: IncomingMessage, response: ServerResponse) => Promise<boolean> {
  return async function serveProbe(request, response) {
    if (request.method !== 'GET' && request.method !== 'HEAD') return false
    const [path = ''] = (request.url ?? '').split('?', 1)
    const answer = await health.answer(path)
    if (answer === undefined) return false
    // An old answer would hide a service that has failed since.
    response.writeHead(answer.status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    response.end(request.method === 'HEAD' ? undefined : JSON.stringify(answer.body))
    return true
  }
}
