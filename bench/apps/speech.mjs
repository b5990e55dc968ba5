// A server with all of it on each request: server span, tts_request, log record, histograms. It sends its port, and its memory when asked.
import { createRequire } from 'node:module'
import { getLogger, ttsRequest } from '../../dist/index.js'

const app = createRequire(process.env.BENCH_REQUIRE_FROM)('fastify')()
const log = getLogger('bench')
app.get('/hello/:id', ({ params: { id } }) =>
  ttsRequest({ model: 'none', voice: 'Kore', text: 'hello' }, async () => {
    log.info('spoken', { id, characters: 5 })
    return { hello: id }
  }),
)
process.on('message', () => {
  globalThis.gc?.()
  process.send({ memory: process.memoryUsage() })
})
process.on('disconnect', () => app.close())
await app.listen({ host: '127.0.0.1', port: 0 })
process.send({ port: app.server.address().port })
