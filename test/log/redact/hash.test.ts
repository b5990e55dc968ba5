import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { createRedactor } from '../../../src/log/redact.ts'
import { runNode } from '../../support/run-node.ts'

const redactor = createRedactor({ hashKey: 'k-4711' })
/** `printf u-1 | openssl dgst -sha256 -hmac k-4711`, its first 16 digits; the same for anna@example.com. */
const U1 = 'h:51369a078a1b99cb'
const ANNA = 'h:00cce85a761876f3'

test.each(['user_id', 'userId', 'user.id', 'enduser.id', 'app.user_id', 'USER_ID'])(
  '%s is a hash, the same for a number and a text',
  (name) => {
    expect(redactor.attributes({ [name]: 'u-1' })).toEqual({ [name]: U1 })
    const of42 = redactor.attributes({ [name]: 42 })[name]
    expect(of42).toMatch(/^h:[0-9a-f]{16}$/)
    expect(redactor.attributes({ [name]: '42' })).toEqual({ [name]: of42 })
  },
)

test('in texts, at any depth, and for addresses in any case', () => {
  expect(redactor.text('user_id=u-1 failed, {"userId":"u-1"}')).toBe(`user_id=${U1} failed, {"userId":"${U1}"}`)
  expect(redactor.text('/v1?user_id=u-1&n=1')).toBe(`/v1?user_id=${U1}&n=1`)
  expect(redactor.text('mail to Anna@Example.com')).toBe(`mail to ${ANNA}`)
  expect(redactor.value({ deep: [{ user_id: 'anna@example.com', contact: 'anna@example.com' }] })).toEqual({
    deep: [{ user_id: ANNA, contact: ANNA }],
  })
  expect(redactor.attributes({ 'anna@example.com': 3 })).toEqual({ [ANNA]: 3 })
})

test('a hash is not hashed again, an empty id stays empty, other names stay', () => {
  const clean = { user_id: U1, other: '', request_id: 'r-1', users: 3, user_agent: 'curl' }
  expect(redactor.attributes(clean)).toBe(clean)
  expect(redactor.text(`user_id=${U1}`)).toBe(`user_id=${U1}`)
})

test('secrets are taken out as ever', () => {
  expect(redactor.attributes({ password: 'p', note: 'token=x' })).toEqual({ password: '[REDACTED]', note: 'token=[REDACTED]' })
})

test('another key makes other hashes', () => {
  expect(createRedactor({ hashKey: 'other' }).attributes({ user_id: 'u-1' })).not.toEqual({ user_id: U1 })
})

test('more users than are remembered have their hashes all the same', () => {
  for (let id = 0; id < 25_000; id++) redactor.attributes({ user_id: `u-${id}` })
  expect(redactor.attributes({ user_id: 'u-1' })).toEqual({ user_id: U1 })
})

test.each([
  ['without a key node:crypto is never loaded', {}, false],
  ['with one it comes with the first user', { hashKey: 'k' }, true],
])('%s', async (_, options, isLoaded) => {
  const script = `import { createRedactor } from ${JSON.stringify(fileURLToPath(new URL('../../../src/log/redact.ts', import.meta.url)))}
    createRedactor(${JSON.stringify(options)}).attributes({ user_id: 'u-1', note: 'anna@example.com' })
    console.log(process.moduleLoadList.includes('NativeModule internal/crypto/hash'))`
  const { stdout } = await runNode(['--input-type=module', '--eval', script])
  expect(stdout).toBe(`${isLoaded}\n`)
})
