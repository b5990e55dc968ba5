import { expect, test } from 'vitest'
import { ValidationError } from '../../src/errors.ts'
import { type AnswerFacts, toAnswer } from '../../src/middleware/answer.ts'
import { httpFailure, toFailure } from '../../src/middleware/failure.ts'
import { describeRequest } from '../../src/middleware/request-log.ts'

const facts: AnswerFacts = {
  method: 'POST',
  path: '/speak',
  requestId: 'r-1',
  accept: undefined,
  nowMs: 1_795_391_806_346,
  errorId: undefined,
  traceback: undefined,
  challenge: 'Bearer',
}

test.each([
  [undefined, 'json'],
  ['*/*', 'json'],
  ['application/*', 'json'],
  ['application/json', 'json'],
  ['application/problem+json', 'problem'],
  ['application/json, application/problem+json', 'problem'],
  ['application/json, application/problem+json;q=0.5', 'json'],
  ['application/json;q=0.4, application/problem+json;q=0.5', 'problem'],
  ['application/problem+json;q=0', 'json'],
  ['application/problem+json;q=no', 'json'],
  ['text/html, APPLICATION/PROBLEM+JSON ; q=1', 'problem'],
  [','.repeat(10_000), 'json'],
])('Accept: %s gets %s', (accept, kind) => {
  expect(toAnswer(httpFailure(404), { ...facts, accept }).contentType.includes('problem')).toBe(kind === 'problem')
})

test('a 401 challenges as the app says, unless the error does', () => {
  const challenge = 'ApiKey realm="tts"'
  expect(toAnswer(httpFailure(401), { ...facts, challenge }).headers['www-authenticate']).toBe(challenge)
  const headers = { 'www-authenticate': 'Basic' }
  expect(toAnswer({ ...httpFailure(401), headers }, { ...facts, challenge }).headers['www-authenticate']).toBe('Basic')
})

const cycle: Record<string, unknown> = {}
cycle.self = cycle

test.each<[string, object | null]>([
  ['with a cycle', cycle],
  ['that throw when they are looked at', new Proxy({}, { ownKeys: () => throwIt() })],
  ['that are null, from an app without types', null],
])('details %s are left out', (_name, details) => {
  const error = Reflect.construct(ValidationError, ['wrong', details])
  const { body } = toAnswer(toFailure(error), facts)
  expect(JSON.parse(body)).toEqual({
    error: 'VALIDATION_ERROR',
    message: 'wrong',
    timestamp: 1_795_391_806.346,
    path: '/speak',
    method: 'POST',
    request_id: 'r-1',
  })
})

function throwIt(): never {
  throw new Error('a trap')
}

const ended = {
  method: 'GET',
  path: '/',
  route: undefined,
  status: 200,
  durationMs: 5_200,
  userAgent: undefined,
  ipAddress: undefined,
  how: 'complete',
} as const

test.each([
  [{}, 'WARNING', 'HTTP 200 in 5.20s'],
  [{ durationMs: 5_000 }, 'INFO', 'HTTP Request'],
  [{ status: 503 }, 'ERROR', 'HTTP 503 in 5.20s'],
  [{ status: 499, how: 'aborted' }, 'WARNING', 'HTTP 499 in 5.20s'],
  [{ durationMs: 1, how: 'broken' }, 'ERROR', 'HTTP 200 in 0.00s'],
  [{ durationMs: 1, status: 399 }, 'INFO', 'HTTP Request'],
  [{ durationMs: 1, status: 400 }, 'WARNING', 'HTTP 400 in 0.00s'],
] as const)('the request %j is logged as %s: %s', (part, level, message) => {
  expect(describeRequest(ended, { ...ended, ...part }, 5)).toMatchObject({ level, message })
})

test('what a client sends without limit is cut', () => {
  const { fields } = describeRequest({ ...ended, path: `/${'x'.repeat(10_000)}`, userAgent: 'y'.repeat(10_000) }, ended, 5)
  expect([String(fields.path).length, String(fields.user_agent).length]).toEqual([2_048, 512])
})
