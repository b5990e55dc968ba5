/** Every setting that is a secret holds one that can be found again; then everything the collector says is searched for them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { COLLECTOR_SETTINGS } from '../../../collector/src/settings.ts'
import { startStandIn } from '../elasticsearch/stand-in.ts'
import { type Program, runProgram, startProgram } from './program.ts'

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

const SECRET = 'hunter2'
const long = (name: string) => `${SECRET}-${name}-0123456789abcdef`
const webhookSecret = `whsec_${Buffer.from(`${SECRET}${'x'.repeat(23)}`).toString('base64')}`

/** As they are, and as they travel: in base64, percent-encoded, as a digest's beginning they may not be told either. */
const TRACES = [
  SECRET,
  Buffer.from(SECRET).toString('base64').slice(0, 8),
  webhookSecret,
  Buffer.from(`elastic:${SECRET}`).toString('base64').slice(0, 14),
]

function secrets(database: string, elasticsearch: string): Record<string, string> {
  return {
    DATABASE_URL: `postgres://writer:${long('writer')}@${database}/tts?application_name=${SECRET}`,
    DATABASE_ADMIN_URL: `postgres://owner:${long('owner')}@${database}/tts`,
    DATABASE_READ_URL: `postgres://reader:${long('reader')}@${database}/tts`,
    ELASTICSEARCH_URL: elasticsearch,
    INGEST_TOKEN: `${long('ingest')},${long('ingest-2')}`,
    READ_TOKEN: long('read'),
    SLACK_WEBHOOK_URL: `https://hooks.slack.com/services/T/B/${SECRET}`,
    ALERT_WEBHOOK_URL: `https://alerts.example/${SECRET}?token=${SECRET}`,
    ALERT_WEBHOOK_SECRET: webhookSecret,
    ERROR_WEBHOOK_URL: `https://errors.example/${SECRET}`,
    SMTP_URL: `smtps://mail:${SECRET}@mail.example`,
    ALERT_EMAIL_FROM: 'alerts@example.org',
    ALERT_EMAIL_TO: 'oncall@example.org',
    HTTPS_PROXY: `http://proxy:${SECRET}@proxy.example:3128`,
  }
}

const CREDENTIALS = {
  'an API key': { ELASTICSEARCH_API_KEY: long('api-key') },
  'a password': { ELASTICSEARCH_USERNAME: 'elastic', ELASTICSEARCH_PASSWORD: SECRET },
} as const

test('every setting that is a secret holds one', () => {
  const names = Object.entries(COLLECTOR_SETTINGS).flatMap(([name, { type }]) => (type.secret ? [name] : []))
  const held = [secrets('', ''), ...Object.values(CREDENTIALS)].flatMap(Object.keys)
  // Certificates are secret only in that nobody wants them in a message.
  expect(names.filter((name) => !held.includes(name))).toEqual(['ELASTICSEARCH_CA'])
})

test.each(Object.entries(CREDENTIALS))(
  'a database and an Elasticsearch (%s) that refuse: no line, no health, no metric and no answer shows a secret',
  {
    timeout: 120_000,
  },
  async (_name, credentials) => {
    const dataDir = mkdtempSync(join(tmpdir(), 'tts-otel-secrets-'))
    cleanUps.push(() => rmSync(dataDir, { recursive: true }))
    const standIn = await startStandIn()
    cleanUps.push(standIn.close)
    standIn.requestFault = () => ({
      status: 401,
      body: { error: { type: 'security_exception', reason: 'unable to authenticate the API key' } },
    })
    const program = await startProgram({
      ...secrets(await startRefusingPostgres(), standIn.url),
      ...credentials,
      COLLECTOR_DATA_DIR: dataDir,
    })
    cleanUps.push(() => program.end('SIGKILL'))

    const answers = await askEverything(program)
    expect(standIn.requests.some(({ authorization }) => authorization !== undefined)).toBe(true)
    expect(answers).toContain('password authentication failed')
    expect(await program.end('SIGTERM')).toBe(0)
    const said = `${answers}\n${program.output()}`
    expect(said.length).toBeGreaterThan(5_000)
    expect(TRACES.filter((trace) => said.includes(trace))).toEqual([])
  },
)

test('a webhook that refuses and repeats its address: neither the log of deliveries nor the log of the collector shows it', {
  timeout: 120_000,
}, async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'tts-otel-secrets-'))
  cleanUps.push(() => rmSync(dataDir, { recursive: true }))
  const receiver = createHttpServer(({ url, headers }, response) => response.writeHead(400).end(`no: ${url} ${JSON.stringify(headers)}`))
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  cleanUps.push(() => receiver.close())
  const program = await startProgram({
    COLLECTOR_DATA_DIR: dataDir,
    ALERT_WEBHOOK_URL: `http://127.0.0.1:${portOf(receiver)}/${SECRET}?token=${SECRET}`,
    ALERT_WEBHOOK_SECRET: webhookSecret,
    ALERT_ALLOW_PRIVATE: '127.0.0.0/8',
  })
  cleanUps.push(() => program.end('SIGKILL'))

  const test = () => fetch(`${program.url}/api/alerts/Evaluation%20Late/test`, { method: 'POST' })
  await expect.poll(async () => (await test()).status, { timeout: 60_000 }).toBe(202)
  const deliveries = async () => await (await fetch(`${program.url}/api/alerts/deliveries`)).text()
  await expect.poll(deliveries, { timeout: 60_000 }).toContain('answered 400')
  const answers = await askEverything(program)
  expect(await program.end('SIGTERM')).toBe(0)
  const said = `${answers}\n${program.output()}`
  expect(said).toContain('answered 400')
  expect(TRACES.filter((trace) => said.includes(trace))).toEqual([])
})

test('no message about a wrong setting shows a secret', { timeout: 60_000 }, async () => {
  const names = Object.entries(COLLECTOR_SETTINGS).flatMap(([name, { type }]) => (type.secret ? [name] : []))
  expect(names.length).toBeGreaterThan(12)
  const wrong = Object.fromEntries(names.map((name) => [name, `${SECRET} \u00e4 ${SECRET}`]))
  const { code, stdout, stderr } = await runProgram(wrong)
  expect(code).toBe(2)
  // A password may be any text.
  for (const name of names.filter((each) => each !== 'ELASTICSEARCH_PASSWORD')) expect(stderr).toContain(name)
  expect(stdout + stderr).not.toContain(SECRET)

  const folder = mkdtempSync(join(tmpdir(), 'tts-otel-secrets-'))
  cleanUps.push(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'secret'), `${SECRET} \u00e4 ${SECRET}`)
  const fromFiles = await runProgram(Object.fromEntries(names.map((name) => [`${name}_FILE`, join(folder, 'secret')])))
  expect(fromFiles.code).toBe(2)
  expect(fromFiles.stdout + fromFiles.stderr).not.toContain(SECRET)
})

/** Right and wrong requests of every kind; status lines, headers and bodies of all answers. */
async function askEverything({ url }: Program): Promise<string> {
  const json = { 'content-type': 'application/json' }
  const records = '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}'
  const asking: [string, RequestInit][] = [
    ...['/', '/livez', '/readyz', '/health', '/metrics', '/api/logs', '/api/traces', '/nothing', '/v1/logs', '/%'].map(
      (path): [string, RequestInit] => [path, {}],
    ),
    ...['/v1/logs', '/v1/traces', '/postgres/v1/logs', '/elasticsearch/v1/logs'].flatMap((path): [string, RequestInit][] => [
      [path, { method: 'POST', body: records, headers: { ...json, authorization: `Bearer ${long('ingest')}` } }],
      [path, { method: 'POST', body: records, headers: { ...json, authorization: `Bearer ${long('ingest')}-wrong` } }],
      [path, { method: 'POST', body: records, headers: { ...json, authorization: `Basic ${btoa(`elastic:${SECRET}`)}` } }],
      [path, { method: 'POST', body: '{', headers: { ...json, authorization: `Bearer ${long('ingest-2')}` } }],
    ]),
    ...[
      '/api/logs',
      '/api/traces',
      '/api/metrics/summary',
      `/api/traces/${'0'.repeat(32)}`,
      '/api/alerts',
      '/api/alerts/history',
      '/api/alerts/deliveries',
    ].flatMap((path): [string, RequestInit][] => [
      [path, { headers: { authorization: `Bearer ${long('read')}` } }],
      [path, { headers: { authorization: `Bearer ${long('ingest')}` } }],
      [`${path}?limit=x`, { headers: { authorization: `Bearer ${long('read')}` } }],
    ]),
  ]
  const answers: string[] = []
  for (const [path, init] of asking) {
    const response = await fetch(url + path, init)
    answers.push(`${path} ${response.status} ${JSON.stringify([...response.headers])} ${await response.text()}`)
  }
  return answers.join('\n')
}

/** Speaks enough of PostgreSQL's protocol to ask for a password and to refuse it; gives its host and port. */
async function startRefusingPostgres(): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('data', () => {
      socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3])) // AuthenticationCleartextPassword
      socket.once('data', () => {
        const fields = 'SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user "writer"\0\0'
        const head = Buffer.from([0x45, 0, 0, 0, 0])
        head.writeInt32BE(4 + fields.length, 1)
        socket.end(Buffer.concat([head, Buffer.from(fields)]))
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanUps.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `127.0.0.1:${portOf(server)}`
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
