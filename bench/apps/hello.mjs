// The benchmarked server: Fastify, one route, a small object. On SIGUSR2 it prints its CPU time (µs) as one line.
import { createRequire } from 'node:module'

const require = createRequire(process.env.BENCH_REQUIRE_FROM)
const app = require('fastify')()
app.get('/hello/:id', async (request) => ({ hello: request.params.id }))
process.on('SIGUSR2', () => {
  const { user, system } = process.cpuUsage()
  process.stdout.write(`cpu ${user + system}\n`)
})
await app.listen({ host: '127.0.0.1', port: 0 })
process.stdout.write(`port ${app.server.address().port}\n`)
