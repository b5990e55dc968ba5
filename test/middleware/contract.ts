/** The contract of the service layer: one table of requests, the same answers and log records from every framework. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { attribute } from '../support/otlp-receiver.ts'
import { describeConnections } from './connections.ts'
import { SEKRET } from './support/failures.ts'
import { type Ask, ask, eventually, type Framework, type Service, startService, type Told } from './support/service.ts'

type Row = Ask & {
  readonly name: string
  readonly status: number
  /** What the body of the answer holds, besides path, method, request id and time. */
  readonly answer?: Readonly<Record<string, unknown>>
  readonly answerHeaders?: Readonly<Record<string, string | undefined>>
  /** Level and message of each record of this request. */
  readonly logs: readonly (readonly [level: string, message: string | RegExp])[]
  /** Of the app; Express parses bodies before it looks for one. */
  readonly route?: string
  readonly routeBeforeBody?: string
  /** `error.type` of the server span. Undefined: it is no error of the server. */
  readonly errorType?: string
  readonly except?: readonly Framework[]
}

const request = ['INFO', 'HTTP Request'] as const
const failedWith = (status: number) => [status < 500 ? 'WARNING' : 'ERROR', new RegExp(`^HTTP ${status} in \\d\\.\\d\\ds$`)] as const
const json = { 'content-type': 'application/json' }
const http = (status: number, message: string) => ({
  status,
  answer: { error: 'HTTP_ERROR', message },
  logs: [[status < 500 ? 'WARNING' : 'ERROR', `HTTP ${status}: ${message}`], failedWith(status)] as const,
})
const api = (kind: string, status: number, error: string, message: string, details?: object) => ({
  name: `the error ${kind}`,
  path: `/fail/${kind}`,
  route: '/fail/:kind',
  status,
  answer: { error, message, ...(details ? { details } : {}) },
  logs: [[status < 500 ? 'WARNING' : 'ERROR', message], failedWith(status)] as const,
  ...(status < 500 ? {} : { errorType: error }),
})
const unexpected = (kind: string, message: string, errorType: string) => ({
  name: `the unexpected error ${kind}`,
  path: `/fail/${kind}`,
  route: '/fail/:kind',
  status: 500,
  answer: { error: 'INTERNAL_SERVER_ERROR', message: 'An unexpected error occurred', error_id: expect.stringMatching(/^[\da-f-]{36}$/) },
  logs: [['CRITICAL', `Unexpected error: ${message}`], failedWith(500)] as const,
  errorType,
})

/** Headers that no answer may have; a row can say `undefined` of them. */
const NO_HEADERS = { 'x-upstream': undefined, 'content-disposition': undefined }

const ROWS: readonly Row[] = [
  { name: 'an answer', path: '/ok', status: 200, logs: [request], route: '/ok' },
  { name: 'a query is not logged', path: `/ok?text=${SEKRET}`, status: 200, logs: [request], route: '/ok' },
  { name: 'HEAD', method: 'HEAD', path: '/ok', status: 200, logs: [request], route: '/ok' },
  { name: 'a mounted router', path: '/tenants/acme/users/7', status: 200, logs: [request], route: '/tenants/:tenant/users/:id' },
  {
    name: 'a mounted router, asked for in another case',
    path: '/TENANTS/acme/users/7',
    status: 200,
    logs: [request],
    route: '/tenants/:tenant/users/:id',
    except: ['fastify', 'hono'],
  },
  {
    name: 'a router on a wildcard',
    path: '/files/a/b',
    status: 200,
    logs: [request],
    route: '/files/:rest/:rest/',
    except: ['fastify', 'hono', 'express-4'],
  },
  {
    name: 'a router on a wildcard without a name',
    path: '/files/a/b',
    status: 200,
    logs: [request],
    route: '/files/:0/:0/',
    except: ['fastify', 'hono', 'express'],
  },
  {
    name: 'an error in a mounted router',
    path: '/tenants/acme/users/7/fail',
    status: 500,
    logs: [['CRITICAL', /^Unexpected error/], failedWith(500)],
    route: '/tenants/:tenant/users/:id/fail',
    errorType: 'TypeError',
  },
  api('api', 503, 'ENGINE_COLD', 'The engine is cold', { retry_after: 2.2 }),
  api('default', 500, 'INTERNAL_ERROR', 'Something of ours'),
  { ...api('authentication', 401, 'AUTHENTICATION_ERROR', 'Authentication failed'), answerHeaders: { 'www-authenticate': 'Bearer' } },
  api('authorization', 403, 'AUTHORIZATION_ERROR', 'Insufficient permissions'),
  api('validation', 400, 'VALIDATION_ERROR', 'The text is empty', { field: 'text' }),
  { ...api('rate', 429, 'RATE_LIMIT_EXCEEDED', 'Too many requests', { retry_after: 60 }), answerHeaders: { 'retry-after': '60' } },
  api('processing', 500, 'TTS_PROCESSING_ERROR', 'No audio came', { request_id: 'job-7' }),
  api('gemini', 502, 'GEMINI_API_ERROR', 'Gemini is overloaded', { gemini_error_code: 'UNAVAILABLE' }),
  api('database', 500, 'DATABASE_ERROR', 'The request was not stored', { operation: 'insert request' }),
  api('redis', 500, 'REDIS_ERROR', 'The quota is not known', { operation: 'read quota' }),
  api('bad-status', 500, 'INTERNAL_ERROR', 'Not a status'),
  api('bad-details', 400, 'VALIDATION_ERROR', 'These details are no JSON'),
  api('null-details', 400, 'VALIDATION_ERROR', 'These details are null'),
  {
    ...api('rate', 429, 'RATE_LIMIT_EXCEEDED', 'Too many requests'),
    name: 'HEAD of an error',
    method: 'HEAD',
    answerHeaders: { 'retry-after': '60' },
  },
  unexpected('plain', `SELECT ${SEKRET} FROM users`, 'TypeError'),
  {
    ...unexpected('plain', `SELECT ${SEKRET} FROM users`, 'TypeError'),
    path: '/fail-sync/plain',
    route: '/fail-sync/:kind',
    name: 'a synchronous throw',
  },
  unexpected('upstream', `{"error":{"message":"${SEKRET}"}}`, 'ApiError'),
  unexpected('text', `a text: ${SEKRET}`, 'NonError'),
  unexpected('object', `{"status":404,"message":"${SEKRET}"}`, 'NonError'),
  unexpected('frozen', SEKRET, 'Error'),
  unexpected('getter', 'the error cannot be read: a property of it throws', 'Error'),
  unexpected('cycle', SEKRET, 'Error'),
  unexpected('aggregate', 'all addresses failed', 'AggregateError'),
  { name: 'a status on a plain error', path: '/fail/plain-status', route: '/fail/:kind', ...http(418, "I'm a Teapot") },
  {
    name: 'a 401 of the framework with its own challenge',
    path: '/http/401',
    route: '/http/:status',
    ...http(401, 'Unauthorized'),
    answerHeaders: { 'www-authenticate': 'Basic realm="tts"', 'x-upstream': undefined },
  },
  {
    name: 'a 503 of the framework',
    path: '/http/503',
    route: '/http/:status',
    ...http(503, 'Service Unavailable'),
    errorType: 'Error',
    except: ['hono'],
  },
  {
    name: 'a 503 of Hono',
    path: '/http/503',
    route: '/http/:status',
    ...http(503, 'Service Unavailable'),
    errorType: 'HTTPException',
    except: ['fastify', 'express', 'express-4'],
  },
  {
    name: 'a status that the app sends itself',
    path: '/status/503',
    route: '/status/:status',
    status: 503,
    logs: [failedWith(503)],
    errorType: '503',
  },
  { name: 'a path that nobody takes', path: '/nowhere?key=1', ...http(404, 'Not Found') },
  { name: 'a method that nobody takes', method: 'DELETE', path: '/ok', ...http(404, 'Not Found') },
  { name: 'HEAD of nothing', method: 'HEAD', path: '/nowhere', ...http(404, 'Not Found') },
  {
    name: 'a body that is no JSON',
    method: 'POST',
    path: '/echo',
    headers: json,
    body: `{"text": ${SEKRET}`,
    routeBeforeBody: '/echo',
    ...http(400, 'Bad Request'),
  },
  {
    name: 'a body that is too large',
    method: 'POST',
    path: '/echo',
    headers: json,
    body: JSON.stringify('x'.repeat(2_000)),
    routeBeforeBody: '/echo',
    ...http(413, 'Payload Too Large'),
  },
  {
    name: 'a form that is none',
    method: 'POST',
    path: '/form',
    headers: { 'content-type': 'multipart/form-data; boundary=x' },
    body: SEKRET,
    route: '/form',
    ...http(400, 'Bad Request'),
    except: ['fastify', 'express', 'express-4'], // which need a parser of somebody else
  },
  { name: 'OPTIONS of nothing', method: 'OPTIONS', path: '/nowhere', ...http(404, 'Not Found'), except: ['express', 'express-4'] },
  {
    name: 'what the app said about a body that does not come is taken back',
    path: '/cached',
    status: 500,
    logs: [['CRITICAL', /^Unexpected error/], failedWith(500)],
    route: '/cached',
    errorType: 'TypeError',
    answerHeaders: { 'cache-control': 'no-store', 'content-disposition': undefined },
  },
  {
    name: 'an address that cannot be decoded, which Fastify answers itself',
    path: '/%zz',
    status: 400,
    logs: [failedWith(400)],
    except: ['express', 'express-4', 'hono'],
  },
  { name: 'a quiet path', path: '/quiet', status: 404, answer: { error: 'HTTP_ERROR' }, logs: [['WARNING', 'HTTP 404: Not Found']] },
]

/** Registers the tests of one framework, with registration and without. */
export function describeContract(framework: Framework): void {
  describe.each([
    ['registered', true],
    ['unregistered', false],
  ])('%s', (_name, isRegistered) => {
    let service: Service
    beforeAll(async () => {
      service = await startService(framework, isRegistered)
    })
    afterAll(() => service.stop())

    /** Asks with an id of its own, and waits for the log of the request. */
    async function follow(asked: Ask): Promise<{ id: string; told: Told }> {
      const id = asked.headers?.['x-request-id'] ?? randomUUID()
      const told = await ask(service.port, { ...asked, headers: { ...asked.headers, 'x-request-id': id } })
      return { id, told }
    }
    const logsOf = (id: string) => service.logsOf(id).filter(({ logger }) => logger === 'tts-otel.http')

    const routeOf = (row: Row) => (framework.startsWith('express') ? row.route : (row.routeBeforeBody ?? row.route))
    const rows = ROWS.filter(({ except = [] }) => !except.includes(framework))
    test.each(rows)('$name', async (row) => {
      const { id, told } = await follow(row)
      const path = row.path.replace(/\?.*/, '')
      const method = row.method ?? 'GET'
      expect(told).toMatchObject({ status: row.status, isComplete: true })
      expect({ ...NO_HEADERS, ...told.headers }).toMatchObject({ 'x-request-id': id, ...row.answerHeaders })
      if (row.answer && method !== 'HEAD') {
        const body = JSON.parse(told.body)
        expect(body).toEqual({ ...body, ...row.answer, path, method, request_id: id, timestamp: expect.any(Number) })
        if (row.answer.error === 'HTTP_ERROR')
          expect(Object.keys(body)).toEqual(['error', 'message', 'timestamp', 'path', 'method', 'request_id'])
        expect(Math.abs(body.timestamp * 1_000 - Date.now())).toBeLessThan(60_000)
        expect(told.headers['content-type']).toBe('application/json; charset=utf-8')
      }
      expectNoLeak(told)

      await eventually(() => logsOf(id)).toHaveLength(row.logs.length)
      const lines = logsOf(id)
      for (const [index, [level, message]] of row.logs.entries())
        expect(lines[index]).toMatchObject({
          level,
          message: message instanceof RegExp ? expect.stringMatching(message) : message,
          path,
          method,
        })
      expect(JSON.stringify(lines)).not.toContain('?')
      const last = lines.at(-1)!
      if (path !== '/quiet') expect(last).toMatchObject({ status_code: row.status, ip_address: '127.0.0.1', duration: expect.any(Number) })
      expect(last.route).toBe(routeOf(row))
      if (isRegistered) await expectSpan(id, row)
    })

    async function expectSpan(id: string, row: Row): Promise<void> {
      await eventually(() => service.spanOf(id)).toBeDefined()
      const span = service.spanOf(id)!
      const route = routeOf(row)
      const name = `${row.method ?? 'GET'}${route === undefined ? '' : ` ${route}`}`
      expect(span.name).toBe(name)
      expect(attribute(span, 'error.type')).toBe(row.errorType)
      expect(span.status?.code ?? 0).toBe(row.errorType === undefined ? 0 : 2)
      const exceptions = span.events?.filter((event) => event.name === 'exception') ?? []
      expect(exceptions).toHaveLength(
        row.errorType === undefined || (row.answer === undefined && !row.path.includes('fail') && row.path !== '/cached') ? 0 : 1,
      )
    }

    describeConnections(framework, () => service)

    test('X-Request-Id: a good one is kept, a bad one replaced, a missing one made', async () => {
      const { told } = await follow({ path: '/ok', headers: { 'x-request-id': 'order:4711/a' } })
      expect(told.headers['x-request-id']).toBe('order:4711/a')
      expect(JSON.parse(told.body)).toEqual({ id: 'order:4711/a' })
      for (const bad of ['two words', 'x'.repeat(129), 'a"b']) {
        const replaced = await ask(service.port, { path: '/ok', headers: { 'x-request-id': bad } })
        expect(replaced.headers['x-request-id']).toMatch(/^[\da-f]{8}-[\da-f]{4}-7/)
        expect(JSON.parse(replaced.body)).toEqual({ id: replaced.headers['x-request-id'] })
      }
      const { headers } = await ask(service.port, { path: '/nowhere' })
      expect(headers['x-request-id']).toMatch(/^[\da-f]{8}-[\da-f]{4}-7/)
    })
  })
}

/** No stack, no cause, no path of a file, no host, none of what was thrown. */
function expectNoLeak({ body, headers }: Told): void {
  const text = `${body} ${JSON.stringify(headers)}`
  for (const leak of [SEKRET, 'node_modules', '.ts:', '    at ', 'ECONNREFUSED', '.internal']) expect(text).not.toContain(leak)
}
