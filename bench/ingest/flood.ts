/**
 * A sender that never has enough, in a process of its own: posts a request over each of its connections, sends it again 20 ms after
 * each refusal, and then the next, every record with a uid of its own. Prints what that took and how many requests were taken.
 *
 *   node bench/ingest/flood.ts URL FILE CONNECTIONS SECONDS
 */
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { readCorpus } from './corpus.ts'
import { createPoster } from './post.ts'

/** `log.record.uid` and the lengths between it and its 36 characters, as protobuf has them. */
const UID_KEY = Buffer.from('log.record.uid\x12\x26\x0a\x24', 'latin1')
/** Of a uid: its last group. */
const [NODE_AT, NODE_DIGITS] = [24, 12]

const [url = '', file = '', connections = '64', seconds = '60'] = process.argv.slice(2)
const [template = Buffer.alloc(0)] = readCorpus(file).map((bytes) => Buffer.from(bytes))
const uids = [...placesOf(template, UID_KEY)]
const { post, statuses, close } = createPoster(url, Number(connections))
let made = 0

const startMs = performance.now()
const endMs = startMs + Number(seconds) * 1_000
await Promise.all(
  Array.from({ length: Number(connections) }, async () => {
    while (performance.now() < endMs) {
      const body = nextBody()
      for (let status = await post(body); status !== 200; status = await post(body)) await sleep(20)
    }
  }),
)
process.stdout.write(JSON.stringify({ ms: performance.now() - startMs, statuses, records: (statuses[200] ?? 0) * uids.length }))
close()

function nextBody(): Buffer {
  const body = Buffer.from(template)
  for (const place of uids) body.write((++made).toString(16).padStart(NODE_DIGITS, '0'), place + NODE_AT, 'latin1')
  return body
}

function* placesOf(bytes: Buffer, key: Buffer): Generator<number> {
  for (let at = bytes.indexOf(key); at !== -1; at = bytes.indexOf(key, at + 1)) yield at + key.length
}
