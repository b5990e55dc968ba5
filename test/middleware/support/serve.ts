/** A process that is one service of the contract: `serve.ts fastify`. Says its port to its parent; ends with its parent. */
import { createHealth } from '../../../src/health/health.ts'
import type { TtsOtelOptions } from '../../../src/middleware/options.ts'

const health = createHealth({ checks: {} })
const slowRequestS = process.env.SLOW_REQUEST_S === undefined ? undefined : Number(process.env.SLOW_REQUEST_S)
const options: TtsOtelOptions = { health, trustedProxies: ['127.0.0.0/8'], quietPaths: ['/quiet'], slowRequestS }
process.on('disconnect', () => process.exit())
process.send?.({ port: await start(process.argv[2] ?? '') })

async function start(framework: string): Promise<number> {
  if (framework === 'fastify') return (await import('./fastify-app.ts')).startFastify(options)
  if (framework === 'express' || framework === 'express-4') return (await import('./express-app.ts')).startExpress(framework, options)
  return (await import('./hono-app.ts')).startHono(options)
}
