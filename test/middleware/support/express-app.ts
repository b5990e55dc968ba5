import { once } from 'node:events'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { pipeline, Readable } from 'node:stream'
import { type TtsOtelOptions, ttsOtel, ttsOtelErrors } from '../../../src/middleware/express.ts'
import { getRequestId } from '../../../src/request-context.ts'
import { fail } from './failures.ts'
import { BODY_BYTES_MAX, endlessWork, idsEverywhere, idsOfBody, madeForHttp, pieces, signalOf, signIn } from './work.ts'

type Express = typeof import('express')
type Handler = import('express').RequestHandler

/** The contract's service on Express; resolves with its port. Version 4 knows nothing of promises: its handlers pass errors on themselves. */
export async function startExpress(name: 'express' | 'express-4', options: TtsOtelOptions): Promise<number> {
  const express: Express = createRequire(import.meta.url)(name)
  const later = (handle: (...args: Parameters<Handler>) => Promise<unknown>): Handler =>
    name === 'express' ? async (...args) => void (await handle(...args)) : (...args) => void handle(...args).catch(args[2])
  const app = express()
  app.get('/before', (_request, response) => void response.json({ id: getRequestId() }))
  app.use(ttsOtel(options))
  app.use(express.json({ limit: BODY_BYTES_MAX }))
  app.get('/ok', (_request, response) => void response.json({ id: getRequestId() }))
  app.get(
    '/fail/:kind',
    later(async (request) => fail(String(request.params.kind))),
  )
  app.get('/fail-sync/:kind', (request) => fail(String(request.params.kind)))
  app.get('/http/:status', (request, _response, next) => next(madeForHttp(Number(request.params.status))))
  app.get('/status/:status', (request, response) => void response.status(Number(request.params.status)).json({}))
  app.post('/echo', (request, response) => void response.json({ id: getRequestId(), body: request.body }))
  app.post(
    '/raw',
    later(async (request, response) => response.json(await idsOfBody(request))),
  )
  app.get(
    '/context',
    later(async (_request, response) => response.json(await idsEverywhere())),
  )
  app.get(
    '/user/:name',
    later(async (request, response) => response.json(await signIn(String(request.params.name)))),
  )
  app.get('/stream', (_request, response) => void pipeline(Readable.from(pieces(false)), response.type('audio/wav'), () => {}))
  app.get('/stream/web', (_request, response) => void pipeline(Readable.fromWeb(ReadableStream.from(pieces(false))), response, () => {}))
  app.get('/stream/broken', (_request, response) => void pipeline(Readable.from(pieces(true)), response.type('audio/wav'), () => {}))
  app.get('/stream/broken-web', (_request, response) => {
    pipeline(Readable.fromWeb(ReadableStream.from(pieces(true))), response.type('audio/wav'), () => {})
  })
  app.get(
    '/endless',
    later(async (_request, response) => endlessWork(signalOf(response))),
  )
  app.get('/cached', (_request, response) => {
    response.set({ 'cache-control': 'max-age=86400', 'content-disposition': 'attachment' }).type('audio/wav')
    fail('plain')
  })
  const tenants = express.Router()
  const users = express.Router()
  users.get('/:id', (request, response) => void response.json({ user: request.params.id }))
  users.get('/:id/fail', () => fail('plain'))
  tenants.use('/users', users)
  app.use('/tenants/:tenant', tenants)
  const files = express.Router().get('/', (_request, response) => void response.send())
  app.use(name === 'express' ? '/files/*rest' : '/files/*', files)
  app.use(ttsOtelErrors(options))
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
