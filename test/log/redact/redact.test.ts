import { describe, expect, test } from 'vitest'
import { createRedactor } from '../../../src/log/redact.ts'

const redactor = createRedactor()
const R = '[REDACTED]'
const API_KEY = 'AIzaSyA1234567890abcdefghijklmnopqrstuv'
const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sgnatureX-_'

/** In CPU time: wall time says more about what else the machine does. */
function timed<T>(fn: () => T): { readonly result: T; readonly cpuMs: number } {
  const before = process.cpuUsage()
  const result = fn()
  const { user, system } = process.cpuUsage(before)
  return { result, cpuMs: (user + system) / 1_000 }
}

describe('a value under a secret name is taken out', () => {
  test.each([
    'password',
    'db.password',
    'DB_PASSWORD',
    'userPassword',
    'dbpassword',
    'passwd',
    'pwd',
    'db_pass',
    'passphrase',
    'secret',
    'client_secret',
    'clientSecret',
    'secrets',
    'token',
    'access_token',
    'accessToken',
    'accesstoken',
    'id-token',
    'api_tokens',
    'api_key',
    'api key',
    'apikey',
    'apiKey',
    'API_KEY',
    'APIKey',
    'x-goog-api-key',
    'GEMINI_API_KEY',
    'private_key',
    'signing.key',
    'AWSAccessKeyId',
    'authorization',
    'proxy-authorization',
    'http.request.header.authorization',
    'auth',
    'smtp.auth',
    'cookie',
    'set-cookie',
    'http.request.header.cookie',
    'credential',
    'aws.credentials',
    'jwt',
    'otp',
    'cvv',
    'ssn',
    'signature',
    'X-Amz-Signature',
  ])('%s', (name) => {
    expect(redactor.key(name)).toBe(true)
    expect(redactor.attributes({ [name]: 'x' })).toEqual({ [name]: R })
  })
})

describe('a name that only looks secret keeps its value', () => {
  test.each([
    'author',
    'authority',
    'authors',
    'tts.auth.failures',
    'cache_key',
    'key',
    'keys',
    'public_key',
    'primary_key',
    'monkey',
    'keyboard',
    'token_count',
    'tokens',
    'input_tokens',
    'max_output_tokens',
    'gen_ai.usage.output_tokens',
    'gen_ai.usage.audio.output_tokens',
    'gen_ai.token.type',
    'token_type',
    'password_policy',
    'passwordChangedAt',
    'cookie.name',
    'secretary',
    'passenger',
    'compass',
    'bypass_cache',
    'session.id',
    'user_id',
    'request_id',
    'http.route',
    'url.full',
    '',
    '...',
  ])('%s', (name) => {
    expect(redactor.key(name)).toBe(false)
    const attributes = { [name]: 'x' }
    expect(redactor.attributes(attributes)).toBe(attributes)
  })
})

test('null, true, false and nothing say that there is no secret, and stay', () => {
  const attributes = { password: null, token: '', cookie: false, secret: undefined }
  expect(redactor.attributes(attributes)).toBe(attributes)
  expect(redactor.attributes({ password: 12_345, cookie: ['a=b'], token: { value: 1 } })).toEqual({ password: R, cookie: R, token: R })
})

describe('secrets inside a text', () => {
  test.each([
    ['a bearer token', 'Authorization was Bearer abc-123.def', `Authorization was Bearer ${R}`],
    ['a bearer header', 'authorization: Bearer abc123def, accept: */*', `authorization: ${R}, accept: */*`],
    ['a basic login', 'sent Basic dXNlcjpwYXNz to it', `sent Basic ${R} to it`],
    ['a JWT', `session ${JWT} ended`, `session ${R} ended`],
    ['a Google API key', `key ${API_KEY} is invalid`, `key ${R} is invalid`],
    ['a Google API key in a query', `GET /v1/models?key=${API_KEY}&alt=sse`, `GET /v1/models?key=${R}&alt=sse`],
    ['any key in a query', 'https://h/x?key=short&a=1', `https://h/x?key=${R}&a=1`],
    ['secret query parameters', '/x?token=abc&sig=d%20ef&signature=1&ok=1', `/x?token=${R}&sig=${R}&signature=${R}&ok=1`],
    ['a login in a URL', 'postgres://app:p%40ss@db:5432/tts', `postgres://${R}@db:5432/tts`],
    ['a token in a URL', 'https://t0ken@example.test/a', `https://${R}@example.test/a`],
    ['a password with an @ in a URL', 'redis://:p@ss@cache:6379', `redis://${R}@cache:6379`],
    ['a pair', 'connect password=hunter2 host=db', `connect password=${R} host=db`],
    ['a quoted pair', 'PASSWORD="hunter 2" next', `PASSWORD="${R}" next`],
    ['JSON', '{"user":"a","password":"hun\\"ter2","n":1}', `{"user":"a","password":"${R}","n":1}`],
    ['JSON in JSON', '{\\"password\\":\\"hunter2\\",\\"n\\":1}', `{\\"password\\":\\"${R}\\",\\"n\\":1}`],
    ['a value that ends with the text', '{"api_key": "abc', `{"api_key": "${R}`],
    ['cookies', 'Cookie: sid=abc; theme=dark\r\nHost: h', `Cookie: ${R}\r\nHost: h`],
    ['a pair inside another value', 'headers: authorization: abc', `headers: authorization: ${R}`],
    ['an e-mail address', 'mail to an.na+x@mail.example.com now', `mail to ${R} now`],
    ['a card number', 'card 4111 1111 1111 1111.', `card ${R}.`],
    ['a card number next to others', 'order 12 5555-5555-5555-4444', `order ${R}`],
    ['an American Express card', '378282246310005', R],
    ['a private key', `-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- after`, `${R} after`],
    ['a private key that was cut', `x -----BEGIN PRIVATE KEY-----\nMIIE`, `x ${R}`],
    ['an AWS key id', 'AKIAIOSFODNN7EXAMPLE', R],
  ])('%s', (_, text, expected) => {
    expect(redactor.text(text)).toBe(expected)
    expect(redactor.text(expected), 'a second pass changes nothing').toBe(expected)
  })
})

test('a secret on its own line of a text inside JSON is found, a file behind a backslash is none', () => {
  const dump = JSON.stringify({ env: 'HOME=/root\nDB_PASSWORD=hidden-1\r\n\ttoken: hidden-2' })
  expect(redactor.text(dump)).not.toContain('hidden')
  expect(redactor.text(String.raw`at C:\\app\\password.js:3:1`)).toBe(String.raw`at C:\\app\\password.js:3:1`)
})

describe('texts that only look secret stay', () => {
  test.each([
    'bearer token missing',
    'Bearer authentication failed',
    'Basic information about it',
    "SyntaxError: Unexpected token ','",
    'at read (file:///app/src/token.ts:10:5)',
    'at /app/node_modules/fastify@5.12.8/lib/password.js:3:1',
    'https://example.com/@user/page',
    'git@host',
    '01a204fe-c4e3-769d-a321-e61f4933a2dd',
    '01932273-2000-7000-8000-000000000000',
    '1732273200000',
    '1732273200000000000',
    '2026-11-22 10:00:00',
    '4111 1111 1111 1112',
    'tokens=25 token_count=3',
    'http://127.0.0.1:43181/v1beta/models/gemini-3.8-flash-tts:generateContent',
    'ratio: 0.5',
    'Kore',
    '',
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36',
  ])('%s', (text) => expect(redactor.text(text)).toBe(text))
})

test('secrets are found at any depth, in lists, errors, maps, sets and what JSON would show', () => {
  const cause = Object.assign(new Error('password=a'), { config: { token: 'hidden-b' } })
  const value = {
    a: [{ b: { c: { d: { secret: 'hidden-s' } } } }],
    cause,
    map: new Map([['token', 'hidden-m']]),
    set: new Set(['x@example.com']),
    url: new URL('http://u:p@h/'),
  }
  const shown = JSON.stringify(redactor.value(value))
  expect(shown).not.toMatch(/hidden|password=a|x@example|u:p/)
  expect(shown.split(R)).toHaveLength(8)
})

test('numbers that are cards go, other big numbers stay', () => {
  expect(redactor.attributes({ a: 4_111_111_111_111_111 })).toEqual({ a: R })
  const clean = { at: 1_732_273_200_000, micro: 1_732_273_200_000_000, bytes: 48_000, ratio: 0.5, not: Number.NaN }
  expect(redactor.attributes(clean)).toBe(clean)
})

test('what is clean comes back as the same object, what is not leaves the original as it was', () => {
  const clean = { a: 'text', b: { c: [1, 'x', { d: new Date(0), e: new Uint8Array(3) }] }, f: new Error('plain'), g: new Map([[1, 2]]) }
  expect(redactor.value(clean)).toBe(clean)
  expect(redactor.attributes(clean)).toBe(clean)

  const dirty = { keep: { x: 1 }, deep: { list: [1, { password: 'p' }] } }
  const before = structuredClone(dirty)
  const copy = redactor.attributes(dirty)
  expect(dirty).toEqual(before)
  expect(copy).toEqual({ keep: { x: 1 }, deep: { list: [1, { password: R }] } })
  expect(copy.keep).toBe(dirty.keep)
})

test('a frozen object is copied, not written to', () => {
  expect(redactor.attributes(Object.freeze({ password: 'p', a: 1 }))).toEqual({ password: R, a: 1 })
})

test('a cycle, a throwing getter and a hostile proxy neither throw nor leak', () => {
  const cycle: Record<string, unknown> = { password: 'p' }
  cycle.self = cycle
  expect(JSON.stringify(redactor.value(cycle))).not.toContain('"p"')
  const throws = {
    get bad(): string {
      throw new Error('no')
    },
    password: 'p',
  }
  expect(redactor.value(throws)).toEqual({ bad: '[UNREADABLE]', password: R })
  expect(redactor.attributes(throws)).toEqual({ bad: '[UNREADABLE]', password: R })
  const proxy = new Proxy(
    {},
    {
      ownKeys() {
        throw new Error('no')
      },
    },
  )
  expect(redactor.value({ proxy })).toEqual({ proxy: '[UNREADABLE]' })
  expect(redactor.attributes(proxy)).toEqual({})
})

describe('hostile input costs little', () => {
  const SIZE = 65_000
  const repeat = (text: string) => text.repeat(Math.ceil(SIZE / text.length))
  test.each([
    ['one letter', repeat('a')],
    ['@', repeat('@')],
    ['a@', repeat('a@')],
    ['a.a@', `${repeat('a.')}@`],
    ['a@a.', `a@${repeat('a.')}`],
    ['digits', repeat('4')],
    ['spaced digits', repeat('4 ')],
    ['card prefixes', repeat('4111 1111 1111 111 ')],
    ['eyJ', repeat('eyJ')],
    ['eyJ.', repeat('eyJaaaaaaaaa.')],
    ['eyJ-', repeat('eyJ-')],
    ['AIza', repeat('AIza')],
    ['pairs', repeat('a=')],
    ['token=', repeat('token=')],
    ['token :', repeat('token :')],
    ['quotes', `token="${repeat('\\"')}`],
    ['open quotes', repeat('token="')],
    ['names', `token${repeat('a.')}=x`],
    ['spaces', `token${repeat(' ')}=x`],
    ['bearer', repeat('bearer ')],
    ['bearer spaces', `bearer${repeat(' ')}`],
    ['urls', repeat('://')],
    ['url user', `://${repeat('a')}`],
    ['keys', repeat('-----BEGIN PRIVATE KEY-----')],
    ['dashes', repeat('-')],
    ['begin', repeat('-----BEGIN ')],
    ['cookie', repeat('cookie: ')],
    ['backslashes', `token=${repeat('\\')}`],
  ])('%s', (_, text) => {
    const { result: once, cpuMs } = timed(() => redactor.text(text))
    expect(cpuMs).toBeLessThan(300)
    // What has grown beyond the limit is cut by a second pass.
    expect(once.length > 65_536 || redactor.text(once) === once).toBe(true)
  })

  test('a text of 10 MB is cut before it is searched', () => {
    const long = `x@example.com ${'a'.repeat(10_000_000)}`
    const { result: text, cpuMs } = timed(() => redactor.text(long))
    expect(cpuMs).toBeLessThan(300)
    expect(text.length).toBeLessThanOrEqual(65_536)
    expect(text).toMatch(/^\[REDACTED\] a+… \[\d+ more characters cut\]$/)
  })

  test('a wide, a long and a deep structure', () => {
    const wide = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`k${index}`, { password: 'p' }]))
    const list = Array.from({ length: 100_000 }, () => ({ password: 'p' }))
    let deep: unknown = { password: 'p' }
    for (let i = 0; i < 100_000; i++) deep = [deep]
    const { result, cpuMs } = timed(() => [redactor.value(wide), redactor.value({ deep, list })])
    expect(cpuMs).toBeLessThan(1_000)
    expect(JSON.stringify(result)).not.toContain('"p"')
    expect(JSON.stringify(result).length).toBeLessThan(1_000_000)
  })

  test('names without end do not fill the memory, and are still judged', () => {
    const fresh = createRedactor()
    const { cpuMs } = timed(() => {
      for (let i = 0; i < 20_000; i++) fresh.key(`name_${i}_${'x'.repeat(i % 300)}`)
    })
    expect(cpuMs).toBeLessThan(1_000)
    expect(fresh.key('password')).toBe(true)
    expect(fresh.key(`${'x'.repeat(1_000_000)}`)).toBe(false)
  })
})

test('random texts: no secret that was put in comes out, and a second pass changes nothing', () => {
  const secrets = [
    'Bearer s3cr3t-token-1',
    JWT,
    API_KEY,
    'password=hunter2!',
    '"token":"hunter2!"',
    'https://bob:hunter2!@h/',
    'bob@hunter2.example',
    '4111111111111111',
  ]
  const alphabet = 'ab "\'\\{}[]:;=&?/.,-_@ \n<>é😀'
  let state = 42
  const random = (max: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state % max
  }
  for (let round = 0; round < 3_000; round++) {
    const noise = () => Array.from({ length: random(12) }, () => [...alphabet][random(alphabet.length)] ?? '').join('')
    const secret = secrets[random(secrets.length)]!
    const clean = redactor.text(`${noise()} ${secret} ${noise()}`)
    expect(clean).not.toMatch(/s3cr3t|sgnature|AIzaSy|hunter2|4111111111111111/)
    expect(redactor.text(clean)).toBe(clean)
  }
})
