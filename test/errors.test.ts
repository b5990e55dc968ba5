import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import * as errors from '../src/errors.ts'
import { toFailure } from '../src/middleware/failure.ts'

const document = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8')
const { TtsApiError } = errors

/** One of each class, with everything that it can be given. */
const CATALOGUE = [
  new errors.TtsApiError('message'),
  new errors.AuthenticationError(),
  new errors.AuthorizationError(),
  new errors.ValidationError('message', { field: 'text' }),
  new errors.RateLimitError('message', 60),
  new errors.TtsProcessingError('message', 'r-1'),
  new errors.GeminiApiError('message', 'UNAVAILABLE'),
  new errors.DatabaseError('message', 'insert'),
  new errors.RedisError('message', 'get'),
]

test('docs/errors.md lists every class with its code, status and details, and no other', () => {
  const rows = document.split('\n').filter((line) => /^\| `\w+Error` \|/.test(line))
  const documented = rows.map((row) => row.split('|').slice(1, 5).join('|').trim())
  const details = (error: errors.TtsApiError) =>
    error.name === 'ValidationError' ? 'the given object' : error.details ? `\`${Object.keys(error.details).join()}\`` : '–'
  expect(documented).toEqual(CATALOGUE.map((error) => `\`${error.name}\` | \`${error.code}\` | ${error.status} | ${details(error)}`))
  const exported = Object.values(errors).filter((value) => typeof value === 'function')
  expect(new Set(CATALOGUE.map((error) => error.constructor))).toEqual(new Set(exported))
})

test('docs/errors.md names the codes of what is in no class', () => {
  const codes = [toFailure(Object.assign(new Error('no'), { statusCode: 404 })).code, toFailure(new Error('no')).code]
  expect(codes).toEqual(['HTTP_ERROR', 'INTERNAL_SERVER_ERROR'])
  for (const code of codes) expect(document).toContain(`| \`${code}\` |`)
})

test.each(CATALOGUE)('$name is a TtsApiError and an Error, by class and by name', (error) => {
  expect(error).toBeInstanceOf(TtsApiError)
  expect(error).toBeInstanceOf(Error)
  expect(error.stack).toContain('errors.test.ts')
  expect(String(error)).toBe(`${error.name}: ${error.message}`)
})

test('the usual words, and none that were not given', () => {
  expect(new errors.AuthenticationError().message).toBe('Authentication failed')
  expect(new errors.AuthorizationError().message).toBe('Insufficient permissions')
  expect(new errors.RateLimitError('slow').details).toBeUndefined()
  expect(new errors.GeminiApiError('down').details).toBeUndefined()
  expect('cause' in new errors.RedisError('down')).toBe(false)
})

test('the details are those of the catalogue', () => {
  expect(CATALOGUE.map(({ details }) => details)).toEqual([
    undefined,
    undefined,
    undefined,
    { field: 'text' },
    { retry_after: 60 },
    { request_id: 'r-1' },
    { gemini_error_code: 'UNAVAILABLE' },
    { operation: 'insert' },
    { operation: 'get' },
  ])
})

test('each takes what really happened as its cause', () => {
  const cause = new Error('ECONNREFUSED')
  const all = [
    new errors.TtsApiError('message', { code: 'COLD', status: 503, cause }),
    new errors.AuthenticationError('who?', { cause }),
    new errors.AuthorizationError('no', { cause }),
    new errors.ValidationError('no', {}, { cause }),
    new errors.RateLimitError('slow', 1, { cause }),
    new errors.TtsProcessingError('no', undefined, { cause }),
    new errors.GeminiApiError('no', undefined, { cause }),
    new errors.DatabaseError('no', undefined, { cause }),
    new errors.RedisError('no', undefined, { cause }),
  ]
  for (const error of all) expect(error.cause).toBe(cause)
  expect(all[0]).toMatchObject({ code: 'COLD', status: 503 })
})
