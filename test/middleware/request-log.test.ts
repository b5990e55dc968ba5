/** The one record of a request: when it is important, and what it says. */
import { expect, test } from 'vitest'
import { describeRequest, type RequestEnd } from '../../src/middleware/request-log.ts'

const request = { method: 'POST', path: '/speak', route: '/speak', userAgent: 'curl/8', ipAddress: '203.0.113.9' }
const SLOW_S = 5

test.each<[string, Partial<RequestEnd>, string, string]>([
  ['a good one', { status: 200, durationMs: 20 }, 'INFO', 'HTTP Request'],
  ['a redirect', { status: 302, durationMs: 20 }, 'INFO', 'HTTP Request'],
  ['one of exactly the limit', { status: 200, durationMs: 5_000 }, 'INFO', 'HTTP Request'],
  ['a slow one', { status: 200, durationMs: 5_001 }, 'WARNING', 'HTTP 200 in 5.00s'],
  ['a fault of the caller', { status: 400, durationMs: 20 }, 'WARNING', 'HTTP 400 in 0.02s'],
  ['the last of these', { status: 499, durationMs: 20 }, 'WARNING', 'HTTP 499 in 0.02s'],
  ['a fault of ours', { status: 500, durationMs: 20 }, 'ERROR', 'HTTP 500 in 0.02s'],
  ['a slow fault of ours', { status: 503, durationMs: 5_204 }, 'ERROR', 'HTTP 503 in 5.20s'],
  ['an answer that broke off', { status: 200, durationMs: 20, how: 'broken' }, 'ERROR', 'HTTP 200 in 0.02s'],
  ['a client that went away', { status: 200, durationMs: 20, how: 'aborted' }, 'INFO', 'HTTP Request'],
])('%s', (_, end, level, message) => {
  const entry = describeRequest(request, { status: 200, durationMs: 0, how: 'complete', ...end }, SLOW_S)
  expect([entry.level, entry.message]).toEqual([level, message])
})

test('the fields: times in seconds to the microsecond, long texts cut, what is not known left out', () => {
  const long = { ...request, path: `/${'p'.repeat(10_000)}`, userAgent: 'a'.repeat(10_000), route: undefined }
  const { fields } = describeRequest(long, { status: 200, durationMs: 1_234.567_89, how: 'complete' }, SLOW_S)
  expect(fields).toEqual({
    method: 'POST',
    path: `/${'p'.repeat(2_047)}`,
    status_code: 200,
    duration: 1.234_568,
    user_agent: 'a'.repeat(512),
    ip_address: '203.0.113.9',
  })
})
