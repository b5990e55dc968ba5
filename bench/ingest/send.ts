/**
 * A sender in a process of its own: posts the requests of a corpus over kept connections, each until it is taken, and prints
 * what that took.
 *
 *   node bench/ingest/send.ts URL FILE CONNECTIONS [REQUESTS of it] [how often all of them]
 */
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { readCorpus } from './corpus.ts'
import { createPoster } from './post.ts'

const [url = '', file = '', connections = '8', requestsMax = '1e9', times = '1'] = process.argv.slice(2)
const requests = readCorpus(file).slice(0, Number(requestsMax))
const bodies = Array.from({ length: Number(times) }, () => requests).flat()
const { post, statuses, close } = createPoster(url, Number(connections))

const startMs = performance.now()
let next = 0
await Promise.all(
  Array.from({ length: Number(connections) }, async () => {
    for (let body = bodies[next++]; body !== undefined; body = bodies[next++])
      for (let status = await post(body); status !== 200; status = await post(body)) await sleep(20)
  }),
)
process.stdout.write(JSON.stringify({ ms: performance.now() - startMs, statuses }))
close()
