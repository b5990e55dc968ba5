/**
 * A sender in a process of its own: posts the requests of a corpus over kept connections, each until it is taken, and prints
 * what that took.
 *
 *   node bench/ingest/send.ts URL FILE CONNECTIONS [REQUESTS of it] [how often all of them]
 */
import { Agent, request } from 'node:http'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { readCorpus } from './corpus.ts'

const [url = '', file = '', connections = '8', requestsMax = '1e9', times = '1'] = process.argv.slice(2)
const requests = readCorpus(file).slice(0, Number(requestsMax))
const bodies = Array.from({ length: Number(times) }, () => requests).flat()
const agent = new Agent({ keepAlive: true, maxSockets: Number(connections) })
const statuses: Record<number, number> = {}

const startMs = performance.now()
let next = 0
await Promise.all(
  Array.from({ length: Number(connections) }, async () => {
    for (let body = bodies[next++]; body !== undefined; body = bodies[next++])
      for (let status = await post(body); status !== 200; status = await post(body)) await sleep(20)
  }),
)
process.stdout.write(JSON.stringify({ ms: performance.now() - startMs, statuses }))
agent.destroy()

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
