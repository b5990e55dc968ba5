/** Each kind of secret, through each place, into each sink: found nowhere. The places must have been reached, or it would prove nothing. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { PGlite } from '@electric-sql/pglite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decodeHeader, findHeader, frameEnd, HEADER_BYTES, unpackFrame } from '../../src/wire/spool-frame.ts'
import { type Program, startProgram } from '../collector/app/program.ts'
import { testedNode } from '../support/run-node.ts'
import { segmentFiles } from '../support/spool-chunks.ts'
import { findSecrets, NEEDLES, SECRETS } from './kinds.ts'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const REGISTER = here('../../src/register.ts')

/** Of the places that leave through OpenTelemetry. */
const TRACES = [
  'span-name',
  'span-attribute',
  'span-attribute-list',
  'span-event',
  'span-link',
  'span-status',
  'span-exception',
  'scope-name',
]
const LOGS = [
  'log-body',
  'log-body-object',
  'log-attributes',
  'logger-message',
  'logger-fields',
  'logger-child',
  'logger-error',
  'logger-error-field',
  'pino',
  'pino-error',
  'winston',
  'winston-error',
  'console',
  'console-error',
  'middleware-error',
]
const RECORDED = [...TRACES, ...LOGS, 'metric-attribute', '/client/']
/** Of the places that our own lines show. */
const PRINTED = ['logger-message', 'logger-fields', 'logger-child', 'logger-error', 'logger-name', 'pino', 'middleware-error']

type Run = { readonly stdout: string; readonly stderr: string; readonly seen: readonly string[]; readonly code: number | null }

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tts-otel-secrets-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function runApp(env: Readonly<Record<string, string>>): Promise<Run> {
  const child = spawn(testedNode(), ['--import', REGISTER, here('./app.ts')], {
    env: {
      PATH: process.env.PATH ?? '',
      HOME: folder,
      LOG_LEVEL: 'DEBUG',
      TTS_OTEL_CAPTURE_CONSOLE: '1',
      OTEL_SERVICE_NAME: 'secrets',
      OTEL_RESOURCE_ATTRIBUTES: `note=${encodeURIComponent(SECRETS.map(({ text }) => text).join(' | '))},db.password=nEeDlEbYnAmE1`,
      OTEL_SPAN_EVENT_COUNT_LIMIT: '1000',
      OTEL_BLRP_MAX_QUEUE_SIZE: '20000',
      OTEL_BSP_MAX_QUEUE_SIZE: '20000',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  })
  const texts = { stdout: '', stderr: '' }
  let seen: readonly string[] = []
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (texts.stdout += text))
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (texts.stderr += text))
  child.on('message', (message: { readonly seen: readonly string[] }) => {
    seen = message.seen
  })
  const [code] = await once(child, 'close')
  return { ...texts, seen, code }
}

/** Everything that a proxy in front of the collector sees. */
async function startTap(target: () => string): Promise<{ readonly url: string; readonly bodies: Buffer[]; close(): void }> {
  const bodies: Buffer[] = []
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part)
    const body = Buffer.concat(parts)
    bodies.push(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body)
    const answer = await fetch(target() + request.url, {
      method: 'POST',
      body,
      headers: { 'content-type': String(request.headers['content-type']) },
    })
    response.writeHead(answer.status, { 'content-type': String(answer.headers.get('content-type')) })
    response.end(Buffer.from(await answer.arrayBuffer()))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    close: () => void server.close().closeAllConnections(),
  }
}

function missing(places: readonly string[], text: string): readonly string[] {
  return places.filter((place) => !text.includes(place))
}

test('the search finds a secret that is there', () => {
  expect(findSecrets(SECRETS.map(({ text }) => text).join('\n'))).toHaveLength(SECRETS.length)
  expect(findSecrets(Buffer.from(NEEDLES.join(' ')))).toEqual(NEEDLES)
})

describe('with a collector', () => {
  let collector: Program
  let tap: Awaited<ReturnType<typeof startTap>>
  let run: Run
  let rows: string

  beforeAll(async () => {
    const data = join(folder, 'data')
    collector = await startProgram({ COLLECTOR_DATA_DIR: data })
    tap = await startTap(() => collector.url)
    run = await runApp({
      OTEL_EXPORTER_OTLP_ENDPOINT: tap.url,
      LOG_FILE_PATH: join(folder, 'app.log'),
      OTEL_TRACES_EXPORTER: 'otlp,console',
      OTEL_METRICS_EXPORTER: 'otlp,console',
      OTEL_LOGS_EXPORTER: 'otlp,console',
    })
    await collector.end('SIGTERM')
    rows = await dump(join(data, 'pglite'))
  }, 120_000)
  afterAll(() => tap.close())

  test('the app ran to its end: nobody wrote into its frozen objects', () => {
    expect({ code: run.code, stderr: run.stderr }).toEqual({ code: 0, stderr: '' })
  })

  test('OTLP', () => {
    const bytes = Buffer.concat(tap.bodies)
    expect(missing(RECORDED, bytes.toString('latin1'))).toEqual([])
    expect(findSecrets(bytes)).toEqual([])
  })

  test('the database', () => {
    expect(
      missing(
        RECORDED.filter((place) => place !== 'span-link'),
        rows,
      ),
    ).toEqual([])
    expect(findSecrets(rows)).toEqual([])
  })

  test('the console', () => {
    expect(missing([...RECORDED, ...PRINTED], run.stdout)).toEqual([])
    expect(findSecrets(run.stdout)).toEqual([])
  })

  test('the log file', () => {
    const names = readdirSync(folder).filter((name) => name.startsWith('app.log'))
    const text = names.map((name) => readFileSync(join(folder, name), 'utf8')).join('')
    expect(
      missing(
        PRINTED.filter((place) => place !== 'pino'),
        text,
      ),
    ).toEqual([])
    expect(findSecrets(text)).toEqual([])
  })

  test('other servers, by baggage and tracestate, and the clients of the service', () => {
    const text = run.seen.join('\n')
    expect(missing(['baggage-plain', 'INTERNAL_SERVER_ERROR'], text)).toEqual([])
    expect(findSecrets(text)).toEqual([])
  })
})

describe('without a collector', () => {
  test('the spool on disk, unpacked', async () => {
    const spool = join(folder, 'spool')
    const { code } = await runApp({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', TTS_OTEL_SPOOL_DIR: spool, LOG_FORMAT: 'text' })
    expect(code).toBe(0)
    const bytes = Buffer.concat(await Promise.all(segmentFiles(spool).map(unpack)))
    expect(missing([...TRACES, ...LOGS], bytes.toString('latin1'))).toEqual([])
    expect(findSecrets(bytes)).toEqual([])
  })
})

describe('with a hash key', () => {
  test('users and addresses are hashes, and equal ones are equal in every signal', async () => {
    const tap = await startTap(() => 'http://127.0.0.1:9')
    tap.close()
    const spool = join(folder, 'hashed')
    const { stdout } = await runApp({ OTEL_EXPORTER_OTLP_ENDPOINT: tap.url, TTS_OTEL_SPOOL_DIR: spool, TTS_OTEL_HASH_KEY: 'k-4711' })
    const bytes = Buffer.concat(await Promise.all(segmentFiles(spool).map(unpack))).toString('latin1')
    expect(findSecrets(bytes + stdout)).toEqual([])
    // HMAC-SHA-256 of needle13@example.com, as any other program computes it.
    const hash = await hmac('k-4711', 'needle13@example.com')
    for (const place of ['span-attribute', 'log-body', 'logger-message', 'metric-attribute'])
      expect(bytes, place).toContain(`${place} mail to h:${hash} now`)
    expect(stdout).toContain(`logger-message mail to h:${hash} now`)
  })
})

async function hmac(key: string, text: string): Promise<string> {
  const encode = (value: string) => new TextEncoder().encode(value)
  const imported = await crypto.subtle.importKey('raw', encode(key), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  return Buffer.from(await crypto.subtle.sign('HMAC', imported, encode(text)))
    .toString('hex')
    .slice(0, 16)
}

/** All rows of all tables. */
async function dump(directory: string): Promise<string> {
  const database = await PGlite.create({ dataDir: directory })
  try {
    const { rows: tables } = await database.query<{ name: string }>(
      "SELECT c.oid::regclass::text AS name FROM pg_class c WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace",
    )
    const texts: string[] = []
    for (const { name } of tables)
      texts.push(...(await database.query<{ row: string }>(`SELECT t::text AS row FROM ${name} t`)).rows.map(({ row }) => row))
    return texts.join('\n')
  } finally {
    await database.close()
  }
}

async function unpack(path: string): Promise<Buffer> {
  const file = readFileSync(path)
  const parts: Buffer[] = []
  for (let at = findHeader(file, 0); at < file.length; at = findHeader(file, at + 1)) {
    const frame = decodeHeader(file, at)!
    const chunk = await unpackFrame(frame, file.subarray(at + HEADER_BYTES, frameEnd(frame, at)))
    expect(chunk, path).toBeDefined()
    parts.push(Buffer.from(chunk!.bytes))
  }
  return Buffer.concat(parts)
}
