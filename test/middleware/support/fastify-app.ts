import { Readable } from 'node:stream'
import Fastify from 'fastify'
import { type TtsOtelOptions, ttsOtel } from '../../../src/middleware/fastify.ts'
import { getRequestId } from '../../../src/request-context.ts'
import { fail } from './failures.ts'
import { BODY_BYTES_MAX, endlessWork, idsEverywhere, idsOfBody, madeForHttp, pieces, signalOf, signIn } from './work.ts'

/** The contract's service on Fastify; resolves with its port. */
export async function startFastify(options: TtsOtelOptions): Promise<number> {
  const app = Fastify({ bodyLimit: BODY_BYTES_MAX })
  app.get('/before', async () => ({ id: getRequestId() }))
  await app.register(ttsOtel, options)
  app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload))
  app.get('/ok', async () => ({ id: getRequestId() }))
  app.get('/fail/:kind', async (request) => fail((request.params as { kind: string }).kind))
  app.get('/fail-sync/:kind', (request) => fail((request.params as { kind: string }).kind))
  app.get('/http/:status', async (request) => {
    throw madeForHttp(Number((request.params as { status: string }).status))
  })
  app.get('/status/:status', async (request, reply) => reply.code(Number((request.params as { status: string }).status)).send({}))
  app.post('/echo', async (request) => ({ id: getRequestId(), body: request.body }))
  app.post('/raw', async (request) => idsOfBody(request.raw))
  app.get('/context', idsEverywhere)
  app.get('/user/:name', (request) => signIn((request.params as { name: string }).name))
  app.get('/stream', (_request, reply) => reply.type('audio/wav').send(Readable.from(pieces(false))))
  app.get('/stream/web', (_request, reply) => reply.send(ReadableStream.from(pieces(false))))
  app.get('/stream/broken', (_request, reply) => reply.type('audio/wav').send(Readable.from(pieces(true))))
  app.get('/stream/broken-web', async () => new Response(ReadableStream.from(pieces(true)), { headers: { 'content-type': 'audio/wav' } }))
  app.get('/endless', (_request, reply) => endlessWork(signalOf(reply.raw)))
  app.get('/cached', async (_request, reply) => {
    reply.header('cache-control', 'max-age=86400').header('content-disposition', 'attachment').type('audio/wav')
    return fail('plain')
  })
  await app.register(
    async (users) => {
      users.get('/:id', async (request) => ({ user: (request.params as { id: string }).id }))
      users.get('/:id/fail', async () => fail('plain'))
    },
    { prefix: '/tenants/:tenant/users' },
  )
  return Number(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port)
}
