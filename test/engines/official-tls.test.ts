/** The official collector with collector/otelcol/tls.yaml: TLS and tokens on both sides. */
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestOptions, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { issueCertificate } from '../collector/support/authority.ts'
import { CONFIG, createOtelcol, FANOUT_TOKEN, INGEST_TOKEN, type Otelcol, TLS, validate } from './support/otelcol.ts'
import { freeHost } from './support/production.ts'

const folder = mkdtempSync(join(tmpdir(), 'tts-otel-official-tls-'))
const { ca, cert, key } = issueCertificate('localhost')
const file = (name: string, pem: string): string => {
  writeFileSync(join(folder, name), pem)
  return join(folder, name)
}
const files = { ca: file('ca.pem', ca), cert: file('cert.pem', cert), key: file('key.pem', key) }

/** What came to the sinks: path and authorization. */
const received: string[] = []
const sinks = createServer({ cert, key }, (request, response) => {
  received.push(`${request.url} ${request.headers.authorization}`)
  request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end())
})
let otelcol: Otelcol
beforeAll(async () => {
  await once(sinks.listen(0, '127.0.0.1'), 'listening')
  const address = sinks.address()
  const url = `https://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  otelcol = createOtelcol(freeHost(), {
    files: [CONFIG, TLS],
    env: {
      FANOUT_URL: url,
      EVALUATOR_URL: url,
      FANOUT_CA: files.ca,
      JAEGER_URL: url,
      JAEGER_CA: files.ca,
      OTELCOL_TLS_CERT: files.cert,
      OTELCOL_TLS_KEY: files.key,
      OTELCOL_CLIENT_CA: files.ca,
    },
  })
  await otelcol.start()
})
afterAll(async () => {
  await otelcol?.remove()
  sinks.close()
  rmSync(folder, { recursive: true, force: true })
})

test('it is valid without a client authority as well', async () => {
  const env = { INGEST_TOKEN: 'one', FANOUT_TOKEN: 'two', OTELCOL_TLS_CERT: files.cert, OTELCOL_TLS_KEY: files.key }
  expect(await validate([CONFIG, TLS], env)).toBe('')
})

test('who has the token and a certificate is heard, and reaches each sink by TLS with the other token', async () => {
  expect(await post({ cert, key }, INGEST_TOKEN)).toBe(200)
  const sent = ['postgres', 'elasticsearch', 'alerts'].map((sink) => `/${sink}/v1/logs Bearer ${FANOUT_TOKEN}`)
  await expect.poll(() => received.toSorted(), { timeout: 20_000 }).toEqual(sent.toSorted())
})

test('a wrong token, no certificate, no TLS: not heard', async () => {
  expect(await post({ cert, key }, 'wrong')).toBe(401)
  await expect(post({}, INGEST_TOKEN)).rejects.toThrow()
  const plain = await fetch(`${otelcol.url.replace('https', 'http')}/v1/logs`, { method: 'POST', body: '{}' })
  expect(plain.status).toBe(400)
})

async function post(own: RequestOptions, token: string): Promise<number | undefined> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
  const outgoing = request(`${otelcol.url}/v1/logs`, { method: 'POST', headers, ca, servername: 'localhost', ...own })
  outgoing.end(JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: 'Speech generated' } }] }] }] }))
  const [response] = await once(outgoing, 'response')
  await text(response)
  return response.statusCode
}
