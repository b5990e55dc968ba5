// An app that makes one span for a collector that hangs, and is then done.
import { createPipeline } from '../../../src/delivery/pipeline.ts'
import { createPost } from '../../../src/delivery/post.ts'
import { createStats } from '../../../src/delivery/stats.ts'
import { createEncoder } from '../../../src/wire/encode.ts'
import { makeSpans } from './items.ts'

const pipeline = createPipeline({
  signal: 'traces',
  encoder: createEncoder('traces', 'protobuf'),
  send: createPost({ url: process.argv[2] ?? '', headers: {}, compression: 'none', timeoutMs: 60_000 }),
  limits: { queueItemsMax: 100, batchItemsMax: 1, delayMs: 10 },
  stats: createStats(),
  warn: (message) => console.log(message),
})
for (const span of makeSpans(1)) pipeline.push(span)
setTimeout(() => console.log('done'), 200) // long enough for the request to be under way
if (process.argv[3] === 'shutdown') process.once('beforeExit', () => void pipeline.shutdown(300).then(() => console.log('closed')))
