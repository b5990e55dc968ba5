/**
 * A small TTS API. Telemetry is the first word of the command line, and a few calls in the code:
 *
 *   node --import tts-otel/register app.ts
 */
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { GoogleGenAI } from '@google/genai'
import Fastify, { type FastifyInstance } from 'fastify'
import { createHealth, geminiCheck, getLogger, type Health, setUser } from 'tts-otel'
import { ttsOtel } from 'tts-otel/fastify'
import { type Config, parseConfig } from './config.ts'
import { explainSchemaErrors } from './errors.ts'
import { createSpeech } from './speech.ts'
import { createDoor } from './users.ts'
import { LANGUAGES, ORDER_SCHEMA, type Order, VOICES } from './voices.ts'

const log = getLogger('app')
const schema = { body: ORDER_SCHEMA }

type App = { readonly app: FastifyInstance; readonly health: Health }

async function createApp(config: Config): Promise<App> {
  const { apiKey, baseUrl, timeoutMs } = config.gemini
  const gemini = new GoogleGenAI({ apiKey, httpOptions: { timeout: timeoutMs, ...(baseUrl ? { baseUrl } : {}) } })
  const speech = createSpeech(gemini, config.gemini)
  const admit = createDoor(config.users)
  const health = createHealth({ checks: { gemini_api: geminiCheck(gemini) } })
  const app = Fastify({ schemaErrorFormatter: explainSchemaErrors })
  await app.register(ttsOtel, { health })

  app.get('/api/v1/voices', async () => ({ voices: VOICES, languages: LANGUAGES }))

  app.register(async (members) => {
    members.addHook('onRequest', async (request) => setUser(admit(request.headers.authorization).id))

    members.post<{ Body: Order }>('/api/v1/tts/generate', { schema }, async (request, reply) => {
      return reply.type('audio/wav').send(await speech.generate(request.body))
    })

    members.post<{ Body: Order }>('/api/v1/tts/stream', { schema }, async (request, reply) => {
      const samples = new PassThrough()
      speech.stream(request.body, samples).catch((error) => samples.destroy(error))
      await once(samples, 'readable') // until the first sound, a failure is still an error answer
      return reply.type('audio/L16;rate=24000;channels=1').send(samples)
    })
  })

  return { app, health }
}

/** Requests that are still running when the service is told to stop may take this long. */
const STOP_TIMEOUT_MS = 8_000

const config = parseConfig(process.env)
const { app, health } = await createApp(config)
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    setTimeout(() => process.exit(1), STOP_TIMEOUT_MS).unref()
    health.shuttingDown()
    app.close().finally(() => health.stop())
  })
}
const address = await app.listen({ host: config.host, port: config.port })
log.info('TTS API is listening', { address, model: config.gemini.model, gemini: config.gemini.baseUrl ?? 'Google' })
