/** `getLogs`, `tts-otel logs` and `tts-otel trace` against a real collector on PGlite, over sockets. */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CollectorError, getLogs } from '../../src/reading/get-logs.ts'
import { type Program, startProgram } from '../collector/app/program.ts'
import { runCli } from './support/doctor.ts'
import { listen, type Stops } from './support/endpoint.ts'

const COLLECTOR_DATA_DIR = mkdtempSync(join(tmpdir(), 'tts-otel-reading-'))
const TRACE_ID = 'ab'.repeat(16)
const requestId = randomUUID()
const START_MS = Date.now() - 60_000
const stops: Stops = []
let collector: Program
beforeAll(async () => {
  collector = await startProgram({ COLLECTOR_DATA_DIR, READ_TOKEN: 'may-read-4711' })
  await send('logs', { resourceLogs: [{ resource: RESOURCE, scopeLogs: [{ scope: { name: 'app.tts' }, logRecords: LOGS }] }] })
  await send('traces', { resourceSpans: [{ resource: RESOURCE, scopeSpans: [{ spans: SPANS }] }] })
})
afterAll(async () => {
  for (const stop of stops) await stop()
  await collector.end('SIGTERM')
  rmSync(COLLECTOR_DATA_DIR, { recursive: true, force: true })
})

const keyValues = (attributes: Record<string, string>) =>
  Object.entries(attributes).map(([key, value]) => ({ key, value: { stringValue: value } }))
const at = (us: number) => `${BigInt(START_MS) * 1_000_000n + BigInt(us) * 1_000n}`
const RESOURCE = { attributes: keyValues({ 'service.name': 'speech', 'service.instance.id': randomUUID() }) }
const LOGS = [
  ...Array.from({ length: 1_200 }, (_, index) => ({ timeUnixNano: at(index), severityNumber: 9, body: { stringValue: `many ${index}` } })),
  {
    timeUnixNano: at(5_000_001),
    severityNumber: 9,
    body: { stringValue: 'asked' },
    attributes: keyValues({ request_id: requestId, user_id: '4711', voice: 'Kore' }),
    traceId: TRACE_ID,
    spanId: 'cd'.repeat(8),
  },
  {
    timeUnixNano: at(5_000_002),
    severityNumber: 17,
    body: { stringValue: 'no \u001b[2Jaudio\nat all' },
    attributes: keyValues({ request_id: requestId, 'exception.stacktrace': 'Error: no audio\n    at speak' }),
    traceId: TRACE_ID,
    spanId: 'cd'.repeat(8),
  },
]
const SPANS = [
  {
    traceId: TRACE_ID,
    spanId: '01'.repeat(8),
    name: 'POST /speak',
    kind: 2,
    startTimeUnixNano: at(5_000_000),
    endTimeUnixNano: at(5_400_000),
    attributes: keyValues({ request_id: requestId, 'http.response.status_code': '500' }),
    status: { code: 2 },
  },
  {
    traceId: TRACE_ID,
    spanId: 'cd'.repeat(8),
    parentSpanId: '01'.repeat(8),
    name: 'tts_request',
    kind: 1,
    startTimeUnixNano: at(5_100_000),
    endTimeUnixNano: at(5_300_000),
    attributes: keyValues({ 'tts.outcome': 'no_audio' }),
    status: { code: 2, message: 'Gemini answered without audio' },
  },
]

async function send(signal: string, body: object): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${collector.url}/v1/${signal}`, { method: 'POST', headers, body: JSON.stringify(body) })
  expect([response.status, await response.json()]).toEqual([200, {}])
}

const token = 'may-read-4711'
const env = () => ({ TTS_OTEL_COLLECTOR_URL: collector.url, TTS_OTEL_READ_TOKEN: token })
const failure = (asked: Promise<unknown>): Promise<CollectorError> =>
  asked.then(
    () => expect.fail('it should have failed'),
    (error) => error,
  )

describe('getLogs', () => {
  test('gives what matches, newest first, with microseconds and metadata', async () => {
    const logs = await getLogs({ request_id: requestId }, { url: collector.url, token })

    expect(logs.map(({ level }) => level)).toEqual(['ERROR', 'INFO'])
    expect(logs[1]).toMatchObject({ message: 'asked', user_id: '4711', service: 'speech', metadata: { voice: 'Kore' }, trace_id: TRACE_ID })
    expect(logs[0]!.timestamp.slice(-4)).toBe('002Z')
    expect(logs[1]!.timestamp.slice(-4)).toBe('001Z')
  })

  test('the newest 100 unless told; more than one page in one call, none twice', async () => {
    const reader = { url: collector.url, token }
    expect(await getLogs({}, reader)).toHaveLength(100)
    const all = await getLogs({ limit: 5_000, service: 'speech' }, reader)
    expect(all).toHaveLength(1_202)
    expect(new Set(all.map(({ id }) => id)).size).toBe(1_202)
    expect(all.map(({ timestamp }) => timestamp)).toEqual(
      all
        .map(({ timestamp }) => timestamp)
        .toSorted()
        .toReversed(),
    )
    expect(await getLogs({ service: 'another' }, reader)).toEqual([])
  })

  test('filters by user (a number as well), level, text and time', async () => {
    const reader = { url: collector.url, token }
    expect((await getLogs({ user_id: 4711 }, reader)).map(({ message }) => message)).toEqual(['asked'])
    expect(await getLogs({ level: 'ERROR' }, reader)).toHaveLength(1)
    expect(await getLogs({ q: 'MANY 119' }, reader)).toHaveLength(11)
    expect(await getLogs({ since: new Date(START_MS + 4_000), until: new Date(START_MS + 6_000) }, reader)).toHaveLength(2)
  })

  test('without the READ_TOKEN: UNAUTHORIZED, and what to set', async () => {
    const error = await failure(getLogs({}, { url: collector.url }))
    expect(error).toMatchObject({ name: 'CollectorError', code: 'UNAUTHORIZED', status: 401 })
    expect(error.message).toContain('set TTS_OTEL_READ_TOKEN')
    expect((await failure(getLogs({}, { url: collector.url, token: 'wrong-4712' }))).message).not.toContain('4712')
  })

  test('what the collector refuses is told in its words', async () => {
    const error = await failure(getLogs({ since: 'yesterday' }, { url: collector.url, token }))
    expect(error).toMatchObject({ code: 'INVALID_PARAMETER', status: 400 })
    expect(error.message).toContain('"since" must be a time like')
  })

  test('a limit that is none is refused before anything is asked', async () => {
    for (const limit of [0, 1.5, 10_001, Number.NaN])
      expect(await failure(getLogs({ limit }, { url: 'http://127.0.0.1:1' }))).toMatchObject({
        name: 'CollectorError',
        code: 'INVALID_PARAMETER',
        message: expect.stringContaining('1 to 10000'),
      })
  })

  test('nobody there: UNREACHABLE; somebody else there: NOT_A_COLLECTOR; not an address: NOT_CONFIGURED', async () => {
    const page = await listen(
      stops,
      createServer((_, response) => void response.end('<h1>hello</h1>')),
    )
    const other = await listen(
      stops,
      createServer((_, response) => void response.end('{"hits":[]}')),
    )
    expect(await failure(getLogs({}, { url: 'http://127.0.0.1:1' }))).toMatchObject({ code: 'UNREACHABLE' })
    expect(await failure(getLogs({}, { url: `http://127.0.0.1:${page}` }))).toMatchObject({ code: 'NOT_A_COLLECTOR' })
    expect(await failure(getLogs({}, { url: `http://127.0.0.1:${other}` }))).toMatchObject({ code: 'NOT_A_COLLECTOR' })
    expect(await failure(getLogs({}, { url: 'ftp://host' }))).toMatchObject({ code: 'NOT_CONFIGURED' })
  })

  test('who does not answer is given up: after timeoutMs, or when the caller says so', async () => {
    const port = await listen(
      stops,
      createTcpServer(() => {}),
    )
    const url = `http://127.0.0.1:${port}`
    const error = await failure(getLogs({}, { url, timeoutMs: 100 }))
    expect([error.code, error.message]).toEqual(['TIMEOUT', `The collector at ${url} did not answer within 100 ms`])
    const reason = new Error('the page was closed')
    expect(await failure(getLogs({}, { url, signal: AbortSignal.abort(reason) }))).toBe(reason)
  })

  test('an answer that breaks off is UNREACHABLE, and the next call works', async () => {
    const port = await listen(
      stops,
      createTcpServer((socket) => void socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"logs"'))),
    )
    expect(await failure(getLogs({}, { url: `http://127.0.0.1:${port}` }))).toMatchObject({ code: 'UNREACHABLE' })
    expect(await getLogs({ level: 'ERROR' }, { url: collector.url, token })).toHaveLength(1)
  })
})

describe('npx tts-otel logs', () => {
  test('a line for each record, in order of time; nothing in it reaches the terminal as a command', async () => {
    const { code, stdout, stderr } = await runCli(['logs', '--request-id', requestId], { env: env() })

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const [first, second, ...stack] = stdout.split('\n')
    expect(first).toMatch(
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}001Z INFO {5}app\.tts {2}asked request_id=\S+ user_id=4711 trace_id=\S+ voice=Kore$/,
    )
    expect(second).toContain('ERROR    app.tts  no \\x1b[2Jaudio\\nat all request_id=')
    expect(stack).toEqual(['Error: no audio', '    at speak', ''])
    expect(stdout).not.toContain('\u001b')
  })

  test('--json is one object, newest first', async () => {
    const { code, stdout } = await runCli(['logs', '--request-id', requestId, '--json', '--level', 'error'], { env: env() })
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ logs: [{ level: 'ERROR', request_id: requestId }] })
  })

  test('says when there may be more, and when there is nothing', async () => {
    const more = await runCli(['logs', '--limit', '3', '--since', '1h', '--service', 'speech'], { env: env() })
    expect([more.code, more.stdout.trim().split('\n').length, more.stderr]).toEqual([0, 5, expect.stringContaining('the newest 3')])
    const none = await runCli(['logs', '--user-id', 'nobody'], { env: env() })
    expect(none).toMatchObject({ code: 0, stdout: '', stderr: 'tts-otel logs: no log record matches\n' })
  })

  test('the address of OTEL_EXPORTER_OTLP_ENDPOINT does as well; --url wins', async () => {
    const OTEL = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, TTS_OTEL_READ_TOKEN: token }
    expect((await runCli(['logs', '--level', 'ERROR'], { env: OTEL })).stdout).toContain('no ')
    const { code, stderr } = await runCli(['logs', '--url', 'http://127.0.0.1:1'], { env: OTEL })
    expect([code, stderr]).toEqual([1, expect.stringContaining('tts-otel logs: The collector at http://127.0.0.1:1 is not reached: ')])
  })

  test('a wrong TTS_OTEL_COLLECTOR_URL is told, and nobody else is asked', async () => {
    const wrong = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, TTS_OTEL_COLLECTOR_URL: 'collector:4318' }
    const { code, stdout, stderr } = await runCli(['logs'], { env: wrong })
    expect([code, stdout, stderr]).toEqual([1, '', expect.stringContaining('TTS_OTEL_COLLECTOR_URL')])
  })

  test.each([
    [['show'], 'show'],
    [['--limit', '0'], '--limit 0 is no whole number'],
    [['--level', 'loud'], '--level loud is none of DEBUG'],
    [['--since', 'soon'], '--since soon is no time'],
    [['--requestid', '1'], "Unknown option '--requestid'"],
  ])('wrong usage %j: exit code 2, what is wrong and the help', async (words, message) => {
    const { code, stdout, stderr } = await runCli(['logs', ...words], { env: env() })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr.split('\n')[0]).toContain(message)
    expect(stderr).toContain('npx tts-otel logs [--request-id ID]')
  })
})

describe('npx tts-otel trace', () => {
  test.each([
    ['trace', TRACE_ID],
    ['trace in capitals', TRACE_ID.toUpperCase()],
    ['request', requestId],
  ])('by the id of the %s: spans by time, why it failed, its log records', async (_, id) => {
    const { code, stdout, stderr } = await runCli(['trace', id], { env: env() })

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const lines = stdout.split('\n')
    expect(lines[0]).toBe(`trace ${TRACE_ID}  request ${requestId}  service speech`)
    expect(lines[2]).toMatch(/^POST \/speak {5}500 {7}400 ms {2}━+$/)
    expect(lines[3]).toMatch(/^└─ tts_request {2}no_audio {2}200 ms {10,}━+$/)
    expect(lines[5]).toBe('tts_request: Gemini answered without audio')
    expect(lines[7]).toContain('asked')
    expect(lines.slice(2, 4).every((line) => line.length <= 100)).toBe(true)
  })

  test('--json has spans and log records', async () => {
    const { stdout } = await runCli(['trace', TRACE_ID, '--json'], { env: env() })
    const { trace_id, truncated, spans, logs } = JSON.parse(stdout)
    expect([trace_id, truncated, spans.length, logs.length]).toEqual([TRACE_ID, false, 2, 2])
  })

  test('an id that is not known: exit code 1', async () => {
    for (const id of ['4711', 'ef'.repeat(16)])
      expect(await runCli(['trace', id], { env: env() })).toMatchObject({
        code: 1,
        stdout: '',
        stderr: `tts-otel trace: the collector has no trace and no request ${id}\n`,
      })
  })

  test('without an id: exit code 2 and the help', async () => {
    const { code, stderr } = await runCli(['trace'], { env: env() })
    expect([code, stderr]).toEqual([2, expect.stringContaining('name one trace or request')])
  })
})
