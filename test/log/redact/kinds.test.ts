import { describe, expect, test } from 'vitest'
import { createRedactor } from '../../../src/log/redact.ts'

const redactor = createRedactor()
const R = '[REDACTED]'
const random = 'Ab0Cd1Ef2Gh3Ij4Kl5Mn6Op7Qr8St9Uv0Wx1Yz2'

describe('tokens that are known by their shape', () => {
  test.each([
    ['a Google API key', `AIzaSyA${random}`],
    ['a Google auth key, as AI Studio makes them since 2026', `AQ.${random}`],
    ['a Google access token', `ya29.${random}`],
    ['a Google refresh token', `1//0${random}`],
    ['a Google client secret', `GOCSPX-${random.slice(0, 28)}`],
    ['a JWT', 'eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.'],
    ['an encrypted JWT', `eyJhbGciOiJkaXIifQ..${random}.${random}.${random}`],
    ['a temporary AWS key id', 'ASIAIOSFODNN7EXAMPLE'],
    ['a Slack token', 'xoxb-123456789012-abcdef'],
    ['a GitHub token', `ghp_${random}`],
    ['a fine-grained GitHub token', `github_pat_${random}`],
    ['a GitLab token', `glpat-${random.slice(0, 20)}`],
    ['an npm token', `npm_${random}`],
    ['a Stripe key', `sk_live_${random}`],
    ['an OpenAI key', `sk-proj-${random}`],
    ['a SendGrid key', `SG.${random.slice(0, 22)}.${random}`],
    ['a Hugging Face token', `hf_${random}`],
    ['a Shopify token', `shpat_${random}`],
    ['a DigitalOcean token', `dop_v1_${random}${random}`],
    ['a PyPI token', `pypi-AgEIcHlwaS5vcmc${random}`],
    ['the token of a Telegram bot', `123456789:AA${random}`],
  ])('%s', (_, token) => {
    for (const [before, after] of [
      ['', ''],
      ['with ', ' in a sentence'],
      ['("', '")'],
      ['/', '/'],
    ])
      expect(redactor.text(`${before}${token}${after}`)).toBe(`${before}${R}${after}`)
  })
})

describe('signed and encoded URLs', () => {
  test.each([
    [
      'https://b.s3.amazonaws.com/a.wav?X-Amz-Credential=AKIA%2F2026&X-Amz-Expires=60&X-Amz-Signature=hidden1&X-Amz-Security-Token=hidden2',
      `https://b.s3.amazonaws.com/a.wav?X-Amz-Credential=${R}&X-Amz-Expires=60&X-Amz-Signature=${R}&X-Amz-Security-Token=${R}`,
    ],
    [
      'https://storage.googleapis.com/b/a.wav?GoogleAccessId=svc%40p.iam&Expires=1&Signature=hidden',
      `https://storage.googleapis.com/b/a.wav?GoogleAccessId=${R}&Expires=1&Signature=${R}`,
    ],
    ['/a.wav?X-Goog-Algorithm=GOOG4&X-Goog-Signature=hidden', `/a.wav?X-Goog-Algorithm=GOOG4&X-Goog-Signature=${R}`],
    ['https://x.blob.core.windows.net/a?sv=2026&sig=hid%2Fden%3D', `https://x.blob.core.windows.net/a?sv=2026&sig=${R}`],
    ['/login?next=https%3A%2F%2Fh%2F%3Ftoken%3Dhidden%26a%3D1', `/login?next=https://h/?token=${R}&a=1`],
    ['/x?json=%7B%22password%22%3A%22hidden%22%7D', `/x?json={"password":"${R}"}`],
    ['/x?to=bob%40example.com&n=1', `/x?to=${R}&n=1`],
    ['/x?next=%252Fy%253Ftoken%253Dhidden', `/x?next=/y?token=${R}`],
    ['/t%C3%BCr/Bearer%20hid.den', `/tür/Bearer ${R}`],
    ['https://hooks.slack.com/services/T0/B0/hidden now', `https://hooks.slack.com/services/${R} now`],
    ['https://api.telegram.org/bot123:hidden/send', `https://api.telegram.org/bot${R}`],
    ['postgres://app:hid/den@db:5432/tts', `postgres://${R}@db:5432/tts`],
    ['jdbc:postgresql://db/tts?user=app&password=hidden', `jdbc:postgresql://db/tts?user=app&password=${R}`],
  ])('%s', (text, expected) => {
    expect(redactor.text(text)).toBe(expected)
    expect(redactor.text(expected)).toBe(expected)
  })
})

describe('pairs in the texts of programs', () => {
  test.each([
    ['a list under a secret name', '{"cookie":["a=hidden","b=hidden"],"n":1}', `{"cookie":${R},"n":1}`],
    ['an object under a secret name', "{ token: { value: 'hidden' }, n: 1 }", `{ token: ${R}, n: 1 }`],
    ['a map as Node prints it', "Map(1) { 'password' => 'hidden' }", `Map(1) { 'password' => '${R}' }`],
    ['JSON in JSON in JSON', String.raw`{\\\"password\\\":\\\"hidden\\\"}`, String.raw`{\\\"password\\\":\\\"[REDACTED]\\\"}`],
    ['another scheme', 'authorization: ApiKey hidden, accept: */*', `authorization: ${R}, accept: */*`],
    ['an option with =', 'psql --password=hidden -h db', `psql --password=${R} -h db`],
    ['an option with a blank', 'psql --password hidd3n -h db', `psql --password ${R} -h db`],
    ['an option that a sentence names', 'the option --token is required', 'the option --token is required'],
    ['SQL with a pair', "SELECT * FROM u WHERE token = 'hid''den'", `SELECT * FROM u WHERE token = '${R}''den'`],
    ['SQL that makes a user', "CREATE USER a WITH PASSWORD 'hidden'", `CREATE USER a WITH PASSWORD '${R}'`],
    ['ODBC', 'Server=db;Uid=app;Pwd=hidden;', `Server=db;Uid=app;Pwd=${R};`],
    ['a function with a parameter called token', 'list.map((token) => token.value)', 'list.map((token) => token.value)'],
    ['a place in a file', 'at password.ts:10:5', 'at password.ts:10:5'],
  ])('%s', (_, text, expected) => {
    expect(redactor.text(text)).toBe(expected)
    expect(redactor.text(expected)).toBe(expected)
  })
})

test('an encoded text without a secret stays encoded', () => {
  for (const text of ['/v1/t%C3%BCr?q=a%20b%2Fc', '100%25', '50% of 100%zz', '%ff%fe']) expect(redactor.text(text)).toBe(text)
})

test('e-mail addresses with letters of any language', () => {
  expect(redactor.text('an jörg@exämple.de und 用户@例子.公司!')).toBe(`an ${R} und ${R}!`)
})

test('headers in every form that libraries keep them in', () => {
  const headers = {
    rawHeaders: ['Accept', '*/*', 'Cookie', 'hidden', 'X-Api-Key', 'hidden'],
    entries: [['cookie', 'hidden'] as const, ['accept', '*/*'] as const],
    har: [
      { name: 'authorization', value: 'hidden' },
      { key: 'accept', value: '*/*' },
    ],
    map: new Map([['set-cookie', ['hidden']]]),
  }
  expect(redactor.value(headers)).toEqual({
    rawHeaders: ['Accept', '*/*', 'Cookie', R, 'X-Api-Key', R],
    entries: [
      ['cookie', R],
      ['accept', '*/*'],
    ],
    har: [
      { name: 'authorization', value: R },
      { key: 'accept', value: '*/*' },
    ],
    map: { 'set-cookie': R },
  })
})

test('a name that is a secret itself is changed', () => {
  expect(redactor.attributes({ 'bob@example.com': 3, plain: 1 })).toEqual({ [R]: 3, plain: 1 })
  expect(redactor.value({ seen: { 'bob@example.com': 3 } })).toEqual({ seen: { [R]: 3 } })
})

test('bytes that are a text, and big integers, are looked at', () => {
  const clean = { audio: new Uint8Array([1, 2, 3]), n: 12n }
  expect(redactor.value(clean)).toBe(clean)
  expect(redactor.value({ body: Buffer.from('password=hidden'), card: 4_111_111_111_111_111n })).toEqual({ body: R, card: R })
  expect(redactor.value(Buffer.alloc(100_000))).toBe('[100000 bytes]')
})

test('the cause and the parts of an error are looked at', () => {
  const error = new AggregateError([new Error('password=hidden')], 'all failed', { cause: { token: 'hidden' } })
  expect(JSON.stringify(redactor.value({ error }))).not.toContain('hidden')
})

test('what a cut would split is left out as a whole', () => {
  const text = `${'a '.repeat(32_726)}AIzaSyA1234567890abcdefghijklmnopqrstuv and more`
  expect(text.length).toBeGreaterThan(65_472)
  expect(redactor.text(text)).not.toMatch(/AIza/)
  const card = `${'a '.repeat(32_731)}4111 1111 1111 1111 and more`.padEnd(65_600)
  expect(redactor.text(card)).not.toMatch(/4111/)
})

describe('secrets that a text wraps in its own way', () => {
  const green = (text: string) => `\u001b[32m${text}\u001b[39m`
  test.each([
    ['the secret of a webhook of Stripe', `whsec_a/${random}`, R],
    ['a PGP key', '-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nhidden\n-----END PGP PRIVATE KEY BLOCK-----', R],
    ['a coloured value', `{ password: ${green("'hidden'")} }`, `{ password: \u001b[32m'${R}'\u001b[39m }`],
    ['a coloured name', `${green('password')}=hidden ok`, `${green('password')}=${R} ok`],
    [
      'a coloured value in JSON',
      String.raw`{"a":"password: \u001b[32m'hidden'\u001b[39m"}`,
      String.raw`{"a":"password: \u001b[32m'${R}'\u001b[39m"}`,
    ],
    ['JSON of Go', '{"url":"/x?a=1\\u0026token=hidden"}', `{"url":"/x?a=1&token=${R}"}`],
    ['JSON of Java', '{"body":"password\\u003dhidden"}', `{"body":"password=${R}"}`],
    ['an address in JSON', '{"to":"bob\\u0040example.com"}', `{"to":"${R}"}`],
    ['a scheme of their own', 'Authorization: SSWS hidden', `Authorization: ${R}`],
    ['a scheme with parameters', 'Authorization: Digest username="bob", response="hidden"', `Authorization: ${R}`],
    ['a quoted header', `curl -H 'Authorization: Genie hidden' x`, `curl -H 'Authorization: ${R}' x`],
    ['a unique key of PostgreSQL', 'Key (token)=(hidden) already exists.', `Key (token)=(${R}) already exists.`],
    ['one of several columns', 'Key (api_key, n)=(hidden, 1) is', `Key (api_key, n)=(${R}) is`],
    ['XML', '<a:Password type="x">hidden</a:Password>', `<a:Password type="x">${R}</a:Password>`],
    ['a login of curl', 'curl -u admin:hidden https://h/', `curl -u admin:${R} https://h/`],
    ['SQL with the other quotes', 'IDENTIFIED BY "hid den"', `IDENTIFIED BY "${R}"`],
    ['a webhook of Teams', 'https://a.webhook.office.com/webhookb2/hid@den/x', `https://a.webhook.office.com/webhookb2/${R}`],
    ['a webhook of Zapier', 'https://hooks.zapier.com/hooks/catch/1/hidden/', `https://hooks.zapier.com/hooks/catch/${R}`],
    ['a Google key behind an underscore', `gemini_AIzaSyA${random}`, `gemini_${R}`],
    ['short names', 'DB_PW=hidden creds=hidden session_key=hidden', `DB_PW=${R} creds=${R} session_key=${R}`],
  ])('%s', (_, text, expected) => {
    expect(redactor.text(text)).toBe(expected)
    expect(redactor.text(expected)).toBe(expected)
  })

  test.each([
    ['arguments of a process', { args: ['--password', 'hidden', '-v'] }, { args: ['--password', R, '-v'] }],
    ['express-validator', [{ path: 'password', value: 'hidden', msg: 'short' }], [{ path: 'password', value: R, msg: 'short' }]],
    ['class-validator', { property: 'password', value: 'hidden' }, { property: 'password', value: R }],
    ['Zod', { path: ['user', 'password'], input: 'hidden' }, { path: ['user', 'password'], input: R }],
    ['a list of headers', [{ header: 'authorization', value: 'hidden' }], [{ header: 'authorization', value: R }]],
  ])('%s', (_, value, expected) => {
    expect(redactor.value(value)).toEqual(expected)
    expect(redactor.attributes({ value })).toEqual({ value: expected })
    if (!Array.isArray(value)) expect(redactor.attributes(value)).toEqual(expected)
  })
})

test.each([
  'if (token == null) return',
  'a.token===b.token',
  '{"token":null,"password":false,"secret":none}',
  'icon@2x.png',
  'at f (/app/.pnpm/x@1.0.0-rc.next/a.js:1:2)',
  'Key (user_id)=(5) already exists.',
  'docker run -u 1000:1000 image',
  '<p>token</p> <author>bob</author>',
  'C:\\users\\tts\\u0026',
])('left as it is: %s', (text) => {
  expect(redactor.text(text)).toBe(text)
})
