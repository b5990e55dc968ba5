/** OTEL_EXPORTER_OTLP_CERTIFICATE, _CLIENT_CERTIFICATE and _CLIENT_KEY against the collector itself, up to the last breath of a process. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { startReceiver } from '../collector/receive/receiver.ts'
import { createAuthority } from '../collector/support/authority.ts'
import { type Ended, runNode } from '../support/run-node.ts'

const register = fileURLToPath(new URL('../../register.js', import.meta.url))
const app = fileURLToPath(new URL('../fixtures/register/ends.mjs', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'tts-otel-client-tls-'))
afterAll(() => rmSync(folder, { recursive: true }))

const authority = createAuthority()
const server = { ...authority.issue(['localhost']), clientCa: authority.ca }
const client = authority.issue(['app'])
const stranger = createAuthority()
const trusted = {
  OTEL_EXPORTER_OTLP_CERTIFICATE: put('ca.pem', authority.ca),
  OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: put('client.pem', client.cert),
  OTEL_EXPORTER_OTLP_CLIENT_KEY: put('client-key.pem', client.key),
}

/** The process has 300 ms for its tail, which a machine that is busy with other tests may not give it. */
const busy = { retry: 3 }

test.each([
  ['natural', 3],
  ['exit', 5],
  ['SIGTERM', null],
])('%s: spans and log records of an app with a client certificate arrive in the same run', busy, async (way, code) => {
  const { port, batches } = await startReceiver({ kind: 'ok' }, { tls: server })
  const ended = await run(way, `https://127.0.0.1:${port}`, trusted)
  expect([ended.code, ended.stderr]).toEqual([code, ''])
  const count = (signal: string) => batches.reduce((sum, batch) => sum + (batch.signal === signal ? batch.records.length : 0), 0)
  expect([count('traces'), count('logs')]).toEqual([2, 1])
})

test.each([
  [
    'no client certificate',
    { OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: '', OTEL_EXPORTER_OTLP_CLIENT_KEY: '' },
    /: tlsv13 alert certificate required; the collector wants a client certificate: set OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE/,
  ],
  ['an unknown authority', { OTEL_EXPORTER_OTLP_CERTIFICATE: put('other-ca.pem', stranger.ca) }, /OTEL_EXPORTER_OTLP_CERTIFICATE/],
])('%s: nothing arrives, and one line says what to set', async (_name, env, message) => {
  const { port, batches } = await startReceiver({ kind: 'ok' }, { tls: server })
  const ended = await run('natural', `https://127.0.0.1:${port}`, { ...trusted, ...env })
  expect(ended.code).toBe(3)
  expect(ended.stderr).toMatch(message)
  expect(batches).toEqual([])
})

function run(way: string, endpoint: string, env: Readonly<Record<string, string>>): Promise<Ended> {
  return runNode(['--import', register, app, way], { env: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, ...env } })
}

function put(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text, { mode: 0o600 })
  return path
}
