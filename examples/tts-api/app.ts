/**
 * A small TTS API. Telemetry is the first word of the command line, and three calls in the code:
 *
 *   node --import tts-otel/register app.ts
 */
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { GoogleGenAI } from '@google/genai'
import Fastify, { type FastifyInstance } from 'fastify'
import { getLogger, getRequestId, setUser } from 'tts-otel'
import { type Config, parseConfig } from './config.ts'
import { HttpError, toAnswer } from './errors.ts'
import { createSpeech } from './speech.ts'
import { createDoor } from './users.ts'
import { LANGUAGES, ORDER_SCHEMA, type Order, VOICES } from './voices.ts'

const log = getLogger('app')
const schema = { body: ORDER_SCHEMA }

function createApp(config: Config): FastifyInstance {
  const { apiKey, baseUrl, timeoutMs } = config.gemini
  const gemini = new GoogleGenAI({ apiKey, httpOptions: { timeout: timeoutMs, ...(baseUrl ? { baseUrl } : {}) } })
  const speech = createSpeech(gemini, config.gemini)
  const admit = createDoor(config.users)
  const app = Fastify({ genReqId: () => getRequestId() })

  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
  })

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

  app.setNotFoundHandler(async (request) => {
    throw new HttpError(404, 'HTTP_ERROR', `There is no ${request.method} ${request.url.split('?')[0]}.`)
  })
  app.setErrorHandler(async (error, request, reply) => {
    const { status, headers, body } = toAnswer(error, request)
    const facts = { error_code: body.error, status_code: status, method: body.method, path: body.path }
    if (status < 500) log.warning(body.message, facts)
    else log.error(body.message, { ...facts, error })
    return reply.code(status).headers(headers).send(body)
  })
  return app
}

/** Requests that are still running when the service is told to stop may take this long. */
const STOP_TIMEOUT_MS = 8_000

const config = parseConfig(process.env)
const app = createApp(config)
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    setTimeout(() => process.exit(1), STOP_TIMEOUT_MS).unref()
    app.close()
  })
}
const address = await app.listen({ host: config.host, port: config.port })
log.info('TTS API is listening', { address, model: config.gemini.model, gemini: config.gemini.baseUrl ?? 'Google' })
