import { expect, test } from 'vitest'
import { describeFailure } from '../../src/health/failure.ts'

const withCode = (code: string, message: string) => Object.assign(new Error(message), { code })
const reply = (message: string) => Object.assign(new Error(message), { name: 'ReplyError' })
const answered = (status: number, message = '') => Object.assign(new Error(message), { name: 'ApiError', status })

test.each([
  ['ECONNREFUSED', withCode('ECONNREFUSED', 'connect ECONNREFUSED 10.2.3.4:5432'), 'connection refused'],
  ['ECONNREFUSED', new TypeError('fetch failed', { cause: withCode('ECONNREFUSED', 'connect') }), 'connection refused'],
  ['ENOTFOUND', withCode('ENOTFOUND', 'getaddrinfo ENOTFOUND db.internal'), 'host name not found'],
  ['ECONNRESET', withCode('ECONNRESET', 'read ECONNRESET'), 'connection lost'],
  ['28P01', withCode('28P01', 'password authentication failed for user "tts_prod"'), 'authentication failed'],
  ['3D000', withCode('3D000', 'database "tts" does not exist'), 'the database does not exist'],
  ['57P03', withCode('57P03', 'the database system is starting up'), 'starting up or shutting down'],
  ['42P01', withCode('42P01', 'relation "users" does not exist'), 'refused with SQLSTATE 42P01'],
  ['EPERM', withCode('EPERM', 'not allowed'), 'not allowed'],
  ['WRONGPASS', reply('WRONGPASS invalid username-password pair or user is disabled.'), 'authentication failed'],
  ['NOAUTH', reply('NOAUTH Authentication required.'), 'authentication failed'],
  ['LOADING', reply('LOADING Redis is loading the dataset in memory'), 'still loading its data'],
  ['MISCONF', reply('MISCONF Redis is configured to save RDB snapshots, but /var/lib/redis is full'), 'refused with MISCONF'],
  ['ERR', reply('no word in front'), 'refused with ERR'],
  [
    '503',
    answered(503, '{"error":{"message":"overloaded","key":"AIzaSyA1234567890123456789012345678901234"}}'),
    'answered with status 503',
  ],
  ['401', answered(400, '{"error":{"details":[{"reason":"API_KEY_INVALID"}]}}'), 'authentication failed'],
  ['429', answered(429), 'rate limited'],
  ['TypeError', new TypeError(''), 'failed with TypeError'],
  ['_OTHER', 'plainly no', 'plainly no'],
  ['_OTHER', { password: 'hunter2' }, 'failed without an error'],
])('%s: %o', (type, error, message) => {
  expect(describeFailure(error)).toEqual({ type, message, error })
})

test.each([
  ['connect to db.internal:5432 failed', 'connect to [host] failed'],
  ['redis:6379 is gone, as are 10.0.0.1, 10.0.0.2:80, [::1]:5432 and fe80::1', '[host] is gone, as are [host], [host], [host] and [host]'],
  ['cannot use postgres://tts:hunter2@db/tts?sslmode=no at all', 'cannot use [url] at all'],
  ['login with password=hunter2 was refused', 'login with password=[REDACTED] was refused'],
  ['error at SELECT id FROM users WHERE name = $1', 'error at [sql]'],
  ['bad statement: insert into t values (1)', 'bad statement: [sql]'],
  ['relation "users" is locked by \'bob\'', 'relation "…" is locked by "…"'],
  ['EACCES, open /etc/tts/key.pem', 'EACCES, open [path]'],
  ['one line\n    at secret (/srv/app.js:1:1)', 'one line'],
  ['the queue is 1.5 s behind: 20 of 30 left, see rule 4.', 'the queue is 1.5 s behind: 20 of 30 left, see rule 4.'],
  ['mail ada@example.com about it', 'mail [REDACTED] about it'],
])('a stranger who reads the report learns nothing from: %s', (message, clean) => {
  expect(describeFailure(new Error(message)).message).toBe(clean)
})

test('hostile messages take no time and are cut', () => {
  const startMs = performance.now()
  for (const part of ['a.', 'a:', '::', '"', "'", 'select ', '/', 'update set ', '1.', 'a-', 'x://']) {
    const { message } = describeFailure(new Error(part.repeat(200_000)))
    expect(message.length).toBeLessThanOrEqual(200)
  }
  expect(performance.now() - startMs).toBeLessThan(1_000)
})
