/** What an app decides for itself, and what the middleware does when it is the one that fails. */
import { createServer, type Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import { cors } from 'hono/cors'
import { describe, expect, test } from 'vitest'
import { AuthenticationError, RateLimitError } from '../../src/errors.ts'
import { ttsOtelErrors, ttsOtel as ttsOtelExpress } from '../../src/middleware/express.ts'
import { ttsOtel as ttsOtelFastify } from '../../src/middleware/fastify.ts'
import { ttsOtel as ttsOtelHono } from '../../src/middleware/hono.ts'
import type { TtsOtelOptions } from '../../src/middleware/options.ts'
import { getRequestId } from '../../src/request-context.ts'
import { listen } from '../instrument/support.ts'

// Before the first record is written: the lines would only be in the way here.
process.env.LOG_LEVEL = 'CRITICAL'

const WRONG_PROXIES = { trustedProxies: ['10.0.0.0/99'] }
const brokenHealth = { answer: () => Promise.reject(new Error('the health check is broken')) }

describe('Fastify', () => {
  test("the app's own 404 wins, also when it is set later", async () => {
    const app = Fastify()
    await app.register(ttsOtelFastify)
    app.setNotFoundHandler((_request, reply) => reply.code(404).send({ mine: true }))
    const { body, headers } = await app.inject('/nowhere')
    expect([JSON.parse(body), headers['x-request-id']]).toEqual([{ mine: true }, expect.any(String)])
  })

  test("a plugin's own error handler holds inside the plugin, ours everywhere else", async () => {
    const app = Fastify()
    await app.register(ttsOtelFastify)
    const boom = async () => {
      throw new RateLimitError('slow', 1)
    }
    await app.register(async (own) => {
      own.setErrorHandler((_error, _request, reply) => reply.code(418).send('mine'))
      own.get('/own', boom)
    })
    await app.register(async (other) => void other.get('/other', boom))
    expect((await app.inject('/own')).body).toBe('mine')
    expect((await app.inject('/other')).json()).toMatchObject({ error: 'RATE_LIMIT_EXCEEDED' })
  })

  test('a hook that refuses, and a 404 with a 401 before it', async () => {
    const app = Fastify()
    await app.register(ttsOtelFastify, { challenge: 'ApiKey' })
    app.addHook('onRequest', async () => {
      throw new AuthenticationError()
    })
    const { statusCode, headers } = await app.inject('/nowhere')
    expect([statusCode, headers['www-authenticate']]).toEqual([401, 'ApiKey'])
  })

  test('wrong options fail at the registration, by name', async () => {
    await expect(Fastify().register(ttsOtelFastify, WRONG_PROXIES)).rejects.toThrow('trustedProxies: "10.0.0.0/99"')
  })

  test('a health check that is broken leaves the probe to the app', async () => {
    const app = Fastify()
    await app.register(ttsOtelFastify, { health: brokenHealth })
    app.get('/livez', async () => 'alive')
    expect((await app.inject('/livez')).body).toBe('alive')
    expect((await app.inject({ url: '/readyz', method: 'POST' })).statusCode).toBe(404)
  })
})

describe('Express', () => {
  async function ask(app: express.Express, path: string, init?: RequestInit) {
    const server = await listen(createServer(app))
    const response = await fetch(server.url + path, init)
    const answer = { status: response.status, headers: response.headers, body: await response.text() }
    await server.close()
    return answer
  }

  test.each<[string, TtsOtelOptions]>([
    ['trustedProxies: "10.0.0.0/99"', WRONG_PROXIES],
    ['slowRequestS: NaN', { slowRequestS: Number.NaN }],
    [String.raw`challenge: "Basic\r\n"`, { challenge: 'Basic\r\n' }],
  ])('wrong options fail at once, by name: %s', (message, options) => {
    expect(() => ttsOtelExpress(options)).toThrow(message)
    expect(() => ttsOtelErrors(options)).toThrow(message)
  })

  test('a probe whose answer comes after somebody else has answered', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const app = express()
    app.use((_request, response, next) => {
      next()
      response.status(504).end('too late')
      resolve()
    })
    app.use(
      ttsOtelExpress({
        health: {
          async answer() {
            await promise
            return { status: 200, body: {} }
          },
        },
      }),
    )
    expect(await ask(app, '/health')).toMatchObject({ status: 504, body: 'too late' })
  })

  test('only the handler of errors: it answers all the same', async () => {
    const app = express()
    app.get('/', () => {
      throw new RateLimitError('slow', 1)
    })
    app.use(ttsOtelErrors())
    const { status, headers, body } = await ask(app, '/', { headers: { 'x-request-id': 'r-1' } })
    expect([status, headers.get('x-request-id'), JSON.parse(body).request_id]).toEqual([429, 'r-1', 'r-1'])
  })

  test('an error after the whole answer was given changes nothing for the client', async () => {
    const app = express()
    app.use(ttsOtelExpress())
    app.get('/', (_request, response) => {
      response.send('all of it')
      throw new Error('too late')
    })
    app.use(ttsOtelErrors())
    expect(await ask(app, '/')).toMatchObject({ status: 200, body: 'all of it' })
  })

  test('mounted below a path, it sees the whole path', async () => {
    const app = express()
    app.use('/api', ttsOtelExpress(), ttsOtelErrors())
    const { body } = await ask(app, '/api/nowhere?a=1')
    expect(JSON.parse(body)).toMatchObject({ error: 'HTTP_ERROR', path: '/api/nowhere' })
  })

  test('OPTIONS is answered by Express', async () => {
    const app = express()
    app.use(ttsOtelExpress())
    app.post('/speak', () => {})
    app.use(ttsOtelErrors())
    const { status, headers } = await ask(app, '/speak', { method: 'OPTIONS' })
    expect([status, headers.get('allow')]).toEqual([200, 'POST'])
  })

  test('a broken health check leaves the probe to the app', async () => {
    const app = express()
    app.use(ttsOtelExpress({ health: brokenHealth }))
    app.get('/livez', (_request, response) => void response.send('alive'))
    expect(await ask(app, '/livez')).toMatchObject({ body: 'alive' })
  })

  test('twice in one app is the same as once', async () => {
    const app = express()
    app.use(ttsOtelExpress(), ttsOtelExpress())
    app.get('/', (_request, response) => void response.json({ id: getRequestId() }))
    const { headers, body } = await ask(app, '/')
    expect(JSON.parse(body).id).toBe(headers.get('x-request-id'))
  })
})

test('Hono: a body that breaks before its first piece, behind a middleware that looked at the answer, shows nothing', async () => {
  const app = new Hono()
  ttsOtelHono(app)
  app.use('*', async (c, next) => {
    await next()
    c.res.headers.append('x-looked', String(c.res.body !== null))
  })
  app.get('/', () => new Response(new ReadableStream({ pull: () => Promise.reject(new Error('sekret')) })))
  const server = await listen(createAdaptorServer({ fetch: app.fetch }) as Server)
  const response = await fetch(server.url)
  const body = await response.text()
  await server.close()
  expect([response.status, response.headers.has('x-request-id')]).toEqual([500, true])
  expect(body).not.toContain('sekret')
})

describe('Hono without Node behind it', () => {
  function createApp() {
    const app = new Hono()
    ttsOtelHono(app, { health: { answer: async (path) => (path === '/livez' ? { status: 200, body: { status: 'alive' } } : undefined) } })
    app.use('/cors/*', cors())
    app.get('/ok', async (c) => c.json({ id: getRequestId() }))
    app.get('/text', () => {
      throw 'a text'
    })
    app.get('/rate', () => {
      throw new RateLimitError('slow', 1)
    })
    app.get('/cors/rate', () => {
      throw new RateLimitError('slow', 1)
    })
    app.get('/fetched', () => Response.redirect('http://127.0.0.1/', 302))
    app.post('/json', async (c) => c.json(await c.req.json()))
    app.post('/other-json', async (c) => c.json(JSON.parse(`{"our own": ${await c.req.text()}`)))
    return app
  }

  test('the request id goes in and out, also through an answer whose headers cannot be changed', async () => {
    const response = await createApp().request('/ok', { headers: { 'x-request-id': 'r-1' } })
    expect([response.headers.get('x-request-id'), await response.json()]).toEqual(['r-1', { id: 'r-1' }])
    const fetched = await createApp().request('/fetched')
    expect([fetched.status, fetched.headers.get('location'), fetched.headers.get('x-request-id')]).toEqual([
      302,
      'http://127.0.0.1/',
      expect.any(String),
    ])
  })

  test('errors, texts, and what nobody takes', async () => {
    const app = createApp()
    const answers = await Promise.all(['/rate', '/text', '/nowhere'].map(async (path) => (await app.request(path)).json()))
    expect(answers).toMatchObject([
      { error: 'RATE_LIMIT_EXCEEDED' },
      { error: 'INTERNAL_SERVER_ERROR' },
      { error: 'HTTP_ERROR', path: '/nowhere' },
    ])
  })

  test('headers of middleware stay on an error', async () => {
    const { headers } = await createApp().request('/cors/rate', { headers: { origin: 'http://a' } })
    expect(headers.get('access-control-allow-origin')).toBe('*')
  })

  test('a body that is no JSON is refused; JSON of our own that is none is our fault', async () => {
    const send = async (path: string) => (await createApp().request(path, { method: 'POST', body: '{"a": sekret' })).json()
    expect(await send('/json')).toMatchObject({ error: 'HTTP_ERROR', message: 'Bad Request' })
    expect(await send('/other-json')).toMatchObject({ error: 'INTERNAL_SERVER_ERROR' })
  })

  test('probes', async () => {
    expect(await (await createApp().request('/livez')).json()).toEqual({ status: 'alive' })
    expect((await createApp().request('/readyz')).status).toBe(404)
  })

  test("the app's own handlers win when they come later", async () => {
    const app = createApp()
    app.onError((_error, c) => c.text('mine', 418))
    app.notFound((c) => c.text('none of mine', 404))
    expect(await (await app.request('/rate')).text()).toBe('mine')
    expect(await (await app.request('/nowhere')).text()).toBe('none of mine')
  })
})
