import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { HTTPException } from 'hono/http-exception'
import { type TtsOtelOptions, ttsOtel } from '../../../src/middleware/hono.ts'
import { getRequestId } from '../../../src/request-context.ts'
import { fail, SEKRET } from './failures.ts'
import { BODY_BYTES_MAX, endlessWork, idsEverywhere, pieces, signIn } from './work.ts'

/** The contract's service on Hono; resolves with its port. */
export function startHono(options: TtsOtelOptions): Promise<number> {
  const app = createHono(options)
  return new Promise((resolve) => serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => resolve(port)))
}

export function createHono(options: TtsOtelOptions): Hono {
  const app = new Hono()
  app.get('/before', (c) => c.json({ id: getRequestId() }))
  ttsOtel(app, options)
  app.use('*', bodyLimit({ maxSize: BODY_BYTES_MAX }))
  app.get('/ok', (c) => c.json({ id: getRequestId() }))
  app.get('/fail/:kind', async (c) => fail(c.req.param('kind')))
  app.get('/fail-sync/:kind', (c) => fail(c.req.param('kind')))
  app.get('/http/:status', (c) => {
    const status = c.req.param('status') === '401' ? 401 : 503
    const res = new Response(SEKRET, { status, headers: { 'www-authenticate': 'Basic realm="tts"', 'x-upstream': SEKRET } })
    throw new HTTPException(status, { res, message: SEKRET })
  })
  app.get('/status/:status', () => Response.json({}, { status: 503 }))
  app.post('/echo', async (c) => c.json({ id: getRequestId(), body: await c.req.json() }))
  app.post('/form', async (c) => c.json(await c.req.parseBody()))
  app.post('/raw', async (c) => {
    const ids = [getRequestId()]
    for await (const _ of c.req.raw.body ?? []) ids.push(getRequestId())
    return c.json([...ids, getRequestId()])
  })
  app.get('/context', async (c) => c.json(await idsEverywhere()))
  app.get('/user/:name', async (c) => c.json(await signIn(c.req.param('name'))))
  app.get('/stream', () => new Response(ReadableStream.from(pieces(false)), { headers: { 'content-type': 'audio/wav' } }))
  app.get('/stream/web', async (c, next) => {
    await next()
    c.header('x-looked', String(c.res.body !== null)) // from then on it is a Response of the platform, which node-server does not keep
  })
  app.get('/stream/web', () => new Response(ReadableStream.from(pieces(false))))
  app.get('/stream/broken', () => new Response(ReadableStream.from(pieces(true)), { headers: { 'content-type': 'audio/wav' } }))
  app.get('/stream/broken-web', () => new Response(ReadableStream.from(pieces(true)), { headers: { 'content-type': 'audio/wav' } }))
  app.get('/endless', (c) => endlessWork(c.req.raw.signal))
  app.get('/cached', (c) => {
    c.header('cache-control', 'max-age=86400')
    c.header('content-disposition', 'attachment')
    c.header('content-type', 'audio/wav')
    return fail('plain')
  })
  const users = new Hono()
  users.get('/:id', (c) => c.json({ user: c.req.param('id') }))
  users.get('/:id/fail', () => fail('plain'))
  app.route('/tenants/:tenant/users', users)
  return app
}
