import { Agent, request } from 'node:http'

/** Posts OTLP protobuf over connections that are kept, and counts the answers. */
export function createPoster(url: string, connections: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const statuses: Record<number, number> = {}

  /** Gives the status of the answer. */
  function post(body: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/x-protobuf', 'content-length': body.length }
      const outgoing = request(url, { method: 'POST', agent, headers }, (response) => {
        const status = response.statusCode ?? 0
        statuses[status] = (statuses[status] ?? 0) + 1
        response.resume().on('end', () => resolve(status))
      })
      outgoing.on('error', reject)
      outgoing.end(body)
    })
  }
  return { post, statuses, close: () => agent.destroy() }
}
