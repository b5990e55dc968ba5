// Compiled by types.test.ts against the published declarations; never run.
import express from 'express'
import Fastify, { type FastifyInstance } from 'fastify'
import { Hono } from 'hono'
import { createHealth } from 'tts-otel'
import { ttsOtel as forExpress, ttsOtelErrors } from 'tts-otel/express'
import { ttsOtel as forFastify } from 'tts-otel/fastify'
import { ttsOtel as forHono } from 'tts-otel/hono'

const health = createHealth({ checks: {} })

const fastify = Fastify()
await fastify.register(forFastify)
await fastify.register(forFastify, { health, slowRequestS: 1 })
await Fastify({ logger: true }).register(forFastify, { health })
await Fastify({ https: {} }).register(forFastify, { health })
export const register = (app: FastifyInstance) => app.register(forFastify, { health })
// @ts-expect-error no such option
await fastify.register(forFastify, { slowRequest: 1 })

const app = express()
app.use(forExpress({ health }))
app.use('/api', forExpress(), express.Router())
app.use(ttsOtelErrors({ health }))

type Bindings = { Bindings: { KEY: string }; Variables: { user: string } }
export const plain: Hono = forHono(new Hono(), { health })
export const bound: Hono<Bindings> = forHono(new Hono<Bindings>())
export const routed = forHono(new Hono().get('/ok', (c) => c.text('ok')))
