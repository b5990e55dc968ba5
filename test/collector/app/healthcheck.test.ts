import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createAuthority } from '../support/authority.ts'
import { runProgram, startProgram } from './program.ts'

const folder = mkdtempSync(join(tmpdir(), 'tts-otel-healthcheck-'))
afterAll(() => rmSync(folder, { recursive: true }))

const authority = createAuthority()
const pair = authority.issue(['collector.example'])
const tls = { COLLECTOR_TLS_CERT: put('cert.pem', pair.cert), COLLECTOR_TLS_KEY: put('key.pem', pair.key) }
const mutual = { ...tls, COLLECTOR_TLS_CLIENT_CA: put('ca.pem', authority.ca) }
// Nobody listens there: it lives and is not ready.
const away = { DATABASE_URL: 'postgres://127.0.0.1:1/none' }
const everywhere = { COLLECTOR_LISTEN: '0.0.0.0:0', INGEST_TOKEN: 'a-token-of-the-test' }

test.each([
  ['without TLS', {}, 1],
  ['on all addresses', everywhere, 1],
  ['with TLS, by another name than its certificate has', tls, 1],
  // Only the port is tried: it has no certificate to show.
  ['with client certificates', mutual, 0],
])('asks a collector %s', { timeout: 60_000 }, async (_, settings: Readonly<Record<string, string>>, codeOfReady) => {
  const program = await startProgram({ ...away, ...settings })
  const { hostname, port } = new URL(program.url)
  const env = { ...away, ...settings, COLLECTOR_LISTEN: `${hostname}:${port}` }
  expect(await runProgram(env, ['healthcheck'])).toEqual({ code: 0, stdout: '', stderr: '' })
  expect(await runProgram(env, ['healthcheck', '--ready'])).toMatchObject({
    code: codeOfReady,
    stderr: codeOfReady === 0 ? '' : expect.stringContaining('healthcheck: 503 '),
  })
  expect(await program.end('SIGTERM')).toBe(0)
  expect(await runProgram(env, ['healthcheck'])).toMatchObject({ code: 1, stderr: expect.stringContaining('ECONNREFUSED') })
})

test('a collector that accepts and says nothing is not healthy', async () => {
  const silent = createServer().listen(0, '127.0.0.1')
  await expect.poll(() => silent.listening).toBe(true)
  const address = silent.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const ended = await runProgram({ COLLECTOR_LISTEN: `127.0.0.1:${port}` }, ['healthcheck'])
  expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('no answer within 2500 ms') })
  silent.close()
})

test('wrong settings and wrong usage are told', async () => {
  const wrong = await runProgram({ COLLECTOR_LISTEN: 'nowhere' }, ['healthcheck'])
  expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('COLLECTOR_LISTEN') })
  expect(await runProgram({}, ['healthcheck', '--deep'])).toMatchObject({ code: 2, stderr: expect.stringContaining('--deep') })
})

function put(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text, { mode: 0o600 })
  return path
}
