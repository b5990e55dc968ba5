import { ApiError } from '@google/genai'
import Fastify from 'fastify'
import { HTTPException } from 'hono/http-exception'
import { expect, test } from 'vitest'
import { RateLimitError, TtsApiError } from '../../src/errors.ts'
import { isAbort } from '../../src/middleware/abort.ts'
import { toFailure } from '../../src/middleware/failure.ts'
import { describeFailure, describeThrown } from '../../src/middleware/failure-log.ts'

const withFields = (error: Error, fields: object) => Object.assign(error, fields)
class ResponseError extends Error {}

test.each<[string, unknown, number, string]>([
  ['http-errors', withFields(new Error('x'), { status: 413, statusCode: 413, expose: true, type: 'entity.too.large' }), 413, 'HTTP_ERROR'],
  ['an HTTPException', new HTTPException(422, { message: 'x' }), 422, 'HTTP_ERROR'],
  ['an error of Fastify', new Fastify.errorCodes.FST_ERR_CTP_BODY_TOO_LARGE(), 413, 'HTTP_ERROR'],
  [
    'an error of a plugin, made by @fastify/error',
    withFields(new ResponseError('x'), { name: 'FastifyError', code: 'PLUGIN_X', statusCode: 415 }),
    415,
    'HTTP_ERROR',
  ],
  ['an error of Fastify that lost its name', withFields(new ResponseError('x'), { code: 'FST_ERR_X', statusCode: 503 }), 503, 'HTTP_ERROR'],
  ['a plain error with a status, as @fastify/rate-limit', withFields(new Error('x'), { statusCode: 429 }), 429, 'HTTP_ERROR'],
  ['a path that cannot be decoded, as Express', withFields(new URIError('x'), { status: 400 }), 400, 'HTTP_ERROR'],
  ['a 500 of a framework', withFields(new Error('x'), { statusCode: 500, expose: false }), 500, 'INTERNAL_SERVER_ERROR'],
  ["Gemini's error, whose status is of Google's answer", new ApiError({ status: 403, message: 'x' }), 500, 'INTERNAL_SERVER_ERROR'],
  ['any class of a client with a status', withFields(new ResponseError('x'), { statusCode: 404 }), 500, 'INTERNAL_SERVER_ERROR'],
  ['an error with the response that it is about', withFields(new Error('x'), { status: 404, response: {} }), 500, 'INTERNAL_SERVER_ERROR'],
  ['a plain error with a 5xx', withFields(new Error('x'), { status: 502 }), 500, 'INTERNAL_SERVER_ERROR'],
  ['a status that is a text', withFields(new Error('x'), { status: '404' }), 500, 'INTERNAL_SERVER_ERROR'],
  ['undefined', undefined, 500, 'INTERNAL_SERVER_ERROR'],
  ['an object with a status', { status: 404 }, 500, 'INTERNAL_SERVER_ERROR'],
])('%s', (_name, thrown, status, code) => {
  expect(toFailure(thrown)).toMatchObject({ status, code })
})

test.each([99, 200, 399, 600, 404.5, Number.NaN])('a status of %d on an error of ours is a 500', (status) => {
  expect(toFailure(new TtsApiError('x', { status })).status).toBe(500)
})

test.each([
  [60, '60'],
  [1.2, '2'],
  [0, '0'],
  [-1, '0'],
  [1e25, '2147483647'],
  [Number.POSITIVE_INFINITY, undefined],
])('Retry-After of %d seconds is %s', (seconds, header) => {
  expect(toFailure(new RateLimitError('slow', seconds)).headers['retry-after']).toBe(header)
})

test.each<[unknown, string]>([
  [new TypeError('x'), 'TypeError'],
  [withFields(new Error('x'), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
  [withFields(new Error('x'), { code: 'a text that is different each time' }), 'Error'],
  [withFields(new Error('x'), { name: `name ${Math.random()}` }), 'Error'],
  [new ResponseError('x'), 'ResponseError'],
  ['text', 'NonError'],
  [new TtsApiError('x', { code: 'ENGINE_COLD' }), 'ENGINE_COLD'],
  [new TtsApiError('x', { code: 'with blanks' }), 'Error'],
])('the error.type of %s is %s', (thrown, errorType) => {
  expect(toFailure(thrown).errorType).toBe(errorType)
})

test('a schema says where and which rule, never what was sent', async () => {
  const app = Fastify()
  const failures: unknown[] = []
  app.setErrorHandler((error, _request, reply) => {
    failures.push(toFailure(error))
    reply.send('')
  })
  const schema = { body: { type: 'object', required: ['text'], properties: { text: { type: 'string', maxLength: 3 } } } }
  app.post('/', { schema }, async () => '')
  await app.inject({ method: 'POST', url: '/', payload: { text: 'sekret' } })
  expect(failures).toEqual([
    {
      kind: 'http',
      status: 400,
      code: 'HTTP_ERROR',
      message: 'Bad Request',
      details: { in: 'body', errors: [{ path: '/text', message: 'must NOT have more than 3 characters' }] },
      headers: {},
      errorType: 'FST_ERR_VALIDATION',
    },
  ])
})

test('of a schema with many faults the first ten are told', () => {
  const validation = Array.from({ length: 30 }, (_, index) => ({ instancePath: `/field${index}`, message: 'is wrong' }))
  const { details } = toFailure(withFields(new Error('x'), { statusCode: 400, code: 'FST_ERR_VALIDATION', validation }))
  expect(details?.errors).toHaveLength(10)
})

test('headers of an error that cannot be sent are left out', () => {
  const headers = { Allow: ['GET', 'HEAD'], 'Retry-After': '1\r\nSet-Cookie: a=b', 'set-cookie': 'a=b' }
  expect(toFailure(withFields(new Error('x'), { statusCode: 405, expose: true, headers })).headers).toEqual({ allow: 'GET, HEAD' })
})

test.each([
  ['a proxy that throws at everything', new Proxy(new Error('x'), { get: () => throwIt(), getPrototypeOf: () => throwIt() })],
  ['an object without a prototype', Object.create(null)],
  ['a symbol', Symbol('x')],
  ['a function', () => 'x'],
  ['a BigInt', 10n],
])('%s is an unexpected error like any other', (_name, thrown) => {
  const failure = toFailure(thrown)
  const entry = describeFailure(failure, describeThrown(thrown), { method: 'GET', path: '/', errorId: 'e-1' })
  expect(failure).toMatchObject({ status: 500, message: 'An unexpected error occurred' })
  expect(entry).toMatchObject({ level: 'CRITICAL', fields: { error_id: 'e-1' } })
})

function throwIt(): never {
  throw new Error('a trap')
}

test('the stack has the causes, nearest first, five at most', () => {
  let error = new Error('cause 7')
  for (let depth = 6; depth >= 0; depth--) error = new Error(`cause ${depth}`, { cause: error })
  const stack = describeThrown(error)['exception.stacktrace']
  expect([...stack.matchAll(/^(?:Caused by: )?Error: cause (\d)$/gm)].map(([, depth]) => Number(depth))).toEqual([0, 1, 2, 3, 4, 5])
})

function causedBy(depth: number, cause: unknown): Error {
  return new Error(`${depth}`, { cause: depth === 1 ? cause : causedBy(depth - 1, cause) })
}

function circular(): Error {
  const error = new Error('x')
  error.cause = error
  return error
}

test('below 500 the words of a parser, which quote the input, are not logged', () => {
  const thrown = withFields(new SyntaxError('Unexpected token, "sekret" is not valid JSON'), {
    status: 400,
    statusCode: 400,
    expose: true,
    body: 'sekret',
  })
  const entry = describeFailure(toFailure(thrown), describeThrown(thrown), { method: 'POST', path: '/', errorId: undefined })
  expect(entry).toMatchObject({ level: 'WARNING', message: 'HTTP 400: Bad Request' })
  expect(JSON.stringify(entry)).not.toContain('sekret')
})

test.each<[string, unknown, boolean]>([
  ['an AbortError', new DOMException('x', 'AbortError'), true],
  ['a connection that was reset', withFields(new Error('aborted'), { code: 'ECONNRESET' }), true],
  ['an error because of one', new TtsApiError('Gemini was cut off', { cause: new DOMException('x', 'AbortError') }), true],
  ['a mistake of ours', new TypeError('x is not a function'), false],
  ['a text', 'aborted', false],
  ['an error five causes away from one', causedBy(5, new DOMException('x', 'AbortError')), true],
  ['an error further away', causedBy(6, new DOMException('x', 'AbortError')), false],
  ['an error that is its own cause', circular(), false],
])('%s comes from a client that went away: %3$s', (_name, thrown, expected) => {
  expect(isAbort(thrown)).toBe(expected)
})
