import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterAll, expect, test } from 'vitest'
import { parseCollectorConfig } from '../../../collector/src/config.ts'
import { createAuthority, type Pair } from '../support/authority.ts'
import { type Program, runProgram, startProgram } from './program.ts'

const folder = mkdtempSync(join(tmpdir(), 'tts-otel-collector-tls-'))
afterAll(() => rmSync(folder, { recursive: true }))

const authority = createAuthority()
const pair = authority.issue(['localhost'])
const ended = authority.issue(['localhost'], -1)
const DAY_MS = 86_400_000

const FILES: Readonly<Record<string, string>> = {
  cert: pair.cert,
  key: pair.key,
  ca: authority.ca,
  chain: pair.cert + authority.ca,
  'wrong way round': authority.ca + pair.cert,
  ended: ended.cert,
  'key of the ended': ended.key,
  encrypted: execFileSync('openssl', ['pkey', '-aes256', '-passout', 'pass:hunter2'], { input: pair.key }).toString(),
  rubbish: 'hunter2',
  'half a certificate': pair.cert.slice(0, 200),
}

function problems(cert: string | undefined, key: string | undefined, clientCa?: string, nowMs = Date.now()): readonly string[] {
  const env = { COLLECTOR_TLS_CERT: cert, COLLECTOR_TLS_KEY: key, COLLECTOR_TLS_CLIENT_CA: clientCa }
  const readFile = (path: string) => {
    if (FILES[path] === undefined) throw new Error(`ENOENT: ${path}`)
    return FILES[path]
  }
  return parseCollectorConfig(env, [], { readFile, now: () => nowMs }).problems
}

test('a certificate, alone or with its chain, and its key', () => {
  expect(problems('cert', 'key')).toEqual([])
  expect(problems('chain', 'key', 'ca')).toEqual([])
})

test.each([
  ['cert', undefined, undefined, /COLLECTOR_TLS_CERT and COLLECTOR_TLS_KEY belong together/],
  [undefined, undefined, 'ca', /COLLECTOR_TLS_CLIENT_CA needs both/],
  ['nowhere', 'key', undefined, /COLLECTOR_TLS_CERT names nowhere, which cannot be read: ENOENT/],
  ['cert', 'key', 'nowhere', /COLLECTOR_TLS_CLIENT_CA names nowhere, which cannot be read: ENOENT/],
  ['rubbish', 'key', undefined, /COLLECTOR_TLS_CERT holds no certificate in PEM/],
  ['half a certificate', 'key', undefined, /COLLECTOR_TLS_CERT holds no certificate in PEM/],
  ['cert', 'rubbish', undefined, /COLLECTOR_TLS_KEY holds no private key in PEM/],
  ['cert', 'cert', undefined, /COLLECTOR_TLS_KEY holds no private key in PEM/],
  ['cert', 'encrypted', undefined, /COLLECTOR_TLS_KEY is encrypted with a passphrase.*openssl pkey/],
  [
    'cert',
    'key of the ended',
    undefined,
    /COLLECTOR_TLS_KEY does not belong to the first certificate of COLLECTOR_TLS_CERT \(CN=localhost\)/,
  ],
  [
    'wrong way round',
    'key',
    undefined,
    /does not belong to the first certificate.*\(CN=Authority of the test\); that must be the collector's own/,
  ],
  ['ended', 'key of the ended', undefined, /COLLECTOR_TLS_CERT \(CN=localhost\) has ended at \d{4}-.*; renew it/],
  ['cert', 'key', 'rubbish', /COLLECTOR_TLS_CLIENT_CA holds no certificate in PEM/],
  ['cert', 'key', 'ended', /COLLECTOR_TLS_CLIENT_CA \(CN=localhost\) has ended/],
])('certificate %j, key %j, authorities %j: one clear word', (cert, key, clientCa, message) => {
  const found = problems(cert, key, clientCa)
  expect(found).toEqual([expect.stringMatching(message)])
  expect(found.join()).not.toMatch(/hunter2|PRIVATE KEY-----\n/)
})

test('a key that OpenSSL finds too small', () => {
  const [key, cert] = [join(folder, 'small-key.pem'), join(folder, 'small.pem')]
  const files = ['-keyout', key, '-out', cert]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:1024', '-nodes', '-days', '2', '-subj', '/CN=small', ...files], {
    stdio: 'pipe',
  })
  expect(parseCollectorConfig({ COLLECTOR_TLS_CERT: cert, COLLECTOR_TLS_KEY: key }).problems).toEqual([
    expect.stringMatching(/^COLLECTOR_TLS_CERT and COLLECTOR_TLS_KEY cannot be used: .*too small/),
  ])
})

test('a certificate that begins tomorrow points at the clock', () => {
  expect(problems('cert', 'key', undefined, Date.now() - DAY_MS)).toEqual([expect.stringMatching(/begins only at .*clock of this machine/)])
})

test('the program does not start with a key of another certificate', async () => {
  const { code, stderr } = await runProgram(files(pair.cert, ended.key))
  expect(code).toBe(2)
  expect(stderr).toContain('COLLECTOR_TLS_KEY does not belong to the first certificate')
})

test('client certificates stand for a token where other machines reach the port', () => {
  const env = { COLLECTOR_LISTEN: '0.0.0.0:0', ...files(pair.cert, pair.key), COLLECTOR_TLS_CLIENT_CA: put('client-ca.pem', authority.ca) }
  expect(parseCollectorConfig(env).problems).toEqual([])
  const { COLLECTOR_TLS_CLIENT_CA: _, ...oneSided } = env
  expect(parseCollectorConfig(oneSided).problems).toEqual([expect.stringMatching(/no INGEST_TOKEN/)])
})

test('a renewed certificate is taken without a restart; one that cannot be used is told, and the old one stays', {
  timeout: 120_000,
}, async () => {
  // Nobody listens there: health says so, over TLS.
  const program = await startProgram({ ...files(pair.cert, pair.key), DATABASE_URL: 'postgres://127.0.0.1:1/none' })
  expect(program.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/)
  const first = await serial(program)
  expect(await get(program, '/metrics')).toMatch(/^tts_otel_collector_tls_certificate_end_seconds \d{10}$/m)

  const soon = { timeout: 30_000 }
  const renewed = authority.issue(['localhost'])
  put('cert.pem', renewed.cert)
  await expect
    .poll(program.output, soon)
    .toMatch(/COLLECTOR_TLS \(.*cert\.pem, .*key\.pem\) has changed and cannot be used: COLLECTOR_TLS_KEY does not belong/)
  expect(await serial(program)).toBe(first)

  put('key.pem', renewed.key)
  await expect.poll(() => serial(program), soon).not.toBe(first)
  expect(program.output()).toMatch(/has changed: new connections get the certificate that ends \d{4}-/)
  const second = await serial(program)

  const late: Pair = authority.issue(['localhost'], -1)
  put('key.pem', late.key)
  put('cert.pem', late.cert)
  await expect.poll(program.output, soon).toMatch(/cannot be used: COLLECTOR_TLS_CERT \(CN=localhost\) has ended at/)
  expect(await serial(program)).toBe(second)
  expect(program.output()).not.toContain('PRIVATE KEY')
  expect(await program.end('SIGTERM')).toBe(0)
})

function files(cert: string, key: string): Record<string, string> {
  return { COLLECTOR_TLS_CERT: put('cert.pem', cert), COLLECTOR_TLS_KEY: put('key.pem', key) }
}

/** Replaces the file as those who renew certificates do. */
function put(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(`${path}.new`, text, { mode: 0o600 })
  renameSync(`${path}.new`, path)
  return path
}

/** Of the certificate that a new connection gets. */
function serial({ url }: Program): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = https.get(`${url}/livez`, { ca: authority.ca, agent: false }, (response) => {
      resolve((response.resume().socket as TLSSocket).getPeerCertificate().serialNumber)
    })
    request.on('error', reject)
  })
}

function get({ url }: Program, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    https
      .get(`${url}${path}`, { ca: authority.ca, agent: false }, async (response) => {
        resolve((await response.toArray()).join(''))
      })
      .on('error', reject)
  })
}

test('a command that asks over TLS says how it comes to trust the authority, and what it cannot show', async () => {
  const ca = join(folder, 'authority.pem')
  writeFileSync(ca, authority.ca)
  const server = https.createServer({ ...pair, ca: authority.ca, requestCert: true, rejectUnauthorized: true }).listen(0, 'localhost')
  await once(server, 'listening')
  const address = server.address()
  const url = `https://localhost:${typeof address === 'object' ? address?.port : 0}`
  const asked = (env: Record<string, string>) => runProgram(env, ['alerts', 'explain', 'High Error Rate', '--url', url])
  expect(await asked({})).toMatchObject({ code: 1, stderr: expect.stringMatching(/does not answer: .*set NODE_EXTRA_CA_CERTS to/) })
  const trusting = await asked({ NODE_EXTRA_CA_CERTS: ca })
  expect(trusting).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/does not answer: .*if it wants client certificates.*curl --cert/),
  })
  server.close()
})
