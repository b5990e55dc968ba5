import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { countLogs, launch, runProgram, sendLogs, startProgram } from './program.ts'

const COLLECTOR_DATA_DIR = mkdtempSync(join(tmpdir(), 'tts-otel-program-'))
/** A first boot takes 4 s, and several times that on a machine that has other work. */
const BOOT_MS_MAX = 60_000
afterAll(() => rmSync(COLLECTOR_DATA_DIR, { recursive: true, force: true }))

test('rows that were acknowledged survive SIGKILL; the folder is protected while it is used, and free afterwards', {
  timeout: 2 * BOOT_MS_MAX,
}, async () => {
  const first = await startProgram({ COLLECTOR_DATA_DIR })
  expect(first.output()).toContain(
    `storing in an embedded PGlite under ${COLLECTOR_DATA_DIR} (for development: not durable against power loss`,
  )
  expect(await sendLogs(first.url, 'killed', 500)).toBe(200)

  const second = await runProgram({ COLLECTOR_DATA_DIR, COLLECTOR_LISTEN: '127.0.0.1:0' })
  expect(second).toMatchObject({ code: 1, stdout: '' })
  expect(second.stderr).toBe(
    `tts-otel-collector: cannot start. The folder ${COLLECTOR_DATA_DIR} is in use by another collector (process ${first.pid}). ` +
      `Stop that one, or give this one a folder of its own with COLLECTOR_DATA_DIR. (If process ${first.pid} is no collector, remove ${COLLECTOR_DATA_DIR}/collector.lock.)\n`,
  )
  expect(await countLogs(first.url, 'killed')).toBe(500)
  expect(await first.end('SIGKILL')).toBe('SIGKILL')

  const third = await startProgram({ COLLECTOR_DATA_DIR })
  expect(await countLogs(third.url, 'killed')).toBe(500)
  expect(await sendLogs(third.url, 'after', 10)).toBe(200)
  expect(await third.end('SIGTERM')).toBe(0)
  expect(existsSync(join(COLLECTOR_DATA_DIR, 'collector.lock'))).toBe(false)
})

test('what LOG_DB_LEVEL leaves out is taken and counted apart, not as stored', { timeout: BOOT_MS_MAX }, async () => {
  const program = await startProgram({ COLLECTOR_DATA_DIR, LOG_DB_LEVEL: 'WARNING' })
  expect(await sendLogs(program.url, 'mild', 10)).toBe(200)
  expect(await countLogs(program.url, 'mild')).toBe(0)
  const metrics = await (await fetch(`${program.url}/metrics`)).text()
  expect(metrics).toContain('records_stored_total{signal="logs"} 0\n')
  expect(metrics).toContain('records_below_level_total{signal="logs"} 10\n')
  expect(metrics).toContain('sink_records_total{sink="postgres",outcome="stored"} 0\n')
  expect(metrics).toContain('sink_records_total{sink="postgres",outcome="below_level"} 10\n')
  expect(await program.end('SIGTERM')).toBe(0)
})

test('a busy port is told in one message, and the folder is free again', async () => {
  const { server, port } = await occupyPort()
  const { code, stdout, stderr } = await runProgram({ COLLECTOR_DATA_DIR, COLLECTOR_LISTEN: `127.0.0.1:${port}` })
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(new RegExp(`^tts-otel-collector: cannot start\\. .*127\\.0\\.0\\.1:${port}.*another port.*COLLECTOR_LISTEN=.*\n$`))
  expect(existsSync(join(COLLECTOR_DATA_DIR, 'collector.lock'))).toBe(false)
  server.close()
})

test('wrong settings are told all at once, before anything starts', async () => {
  const { code, stdout, stderr } = await runProgram({ COLLECTOR_LISTEN: 'nowhere', RETENTION_DAYS: '-1', DATABASE_URL: 'redis://x' }, [
    '--fast',
  ])
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  for (const part of [
    'the settings are wrong',
    'COLLECTOR_LISTEN="nowhere"',
    'RETENTION_DAYS="-1"',
    'DATABASE_URL is not',
    '--fast is no option',
  ])
    expect(stderr).toContain(part)
})

test('a folder that cannot be written is told with what to do', async () => {
  const { code, stderr } = await runProgram({ COLLECTOR_DATA_DIR: '/dev/null/data', COLLECTOR_LISTEN: '127.0.0.1:0' })
  expect(code).toBe(1)
  expect(stderr).toMatch(
    /^tts-otel-collector: cannot start\. The folder \/dev\/null\/data cannot hold the embedded database: .* Set COLLECTOR_DATA_DIR .*\n$/,
  )
})

test('--help lists every setting', async () => {
  const { code, stdout } = await runProgram({}, ['--help'])
  expect(code).toBe(0)
  for (const name of ['COLLECTOR_LISTEN=127.0.0.1:4318', 'DATABASE_URL', 'INGEST_TOKEN_FILE', 'RETENTION_DAYS=30'])
    expect(stdout).toContain(name)
})

test('while the database boots senders are told to come back, and a stop leaves nothing half made', {
  timeout: 2 * BOOT_MS_MAX,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tts-otel-booting-'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const { texts, end } = launch({ COLLECTOR_DATA_DIR: folder, COLLECTOR_LISTEN: `127.0.0.1:${port}` })
  const ready = () =>
    fetch(`${url}/readyz`).then(
      (response) => response.status,
      () => 0,
    )
  await expect.poll(ready, { timeout: 10_000 }).toBe(503)
  expect(await sendLogs(url, 'too early', 1)).toBe(503)
  expect(await end('SIGTERM')).toBe(0)
  expect(texts).toEqual({ stdout: '', stderr: '' })

  const next = await startProgram({ COLLECTOR_DATA_DIR: folder })
  expect(await sendLogs(next.url, 'after the boot', 3)).toBe(200)
  expect(await countLogs(next.url, 'after the boot')).toBe(3)
  expect(await next.end('SIGINT')).toBe(0)
  rmSync(folder, { recursive: true, force: true })
})

/** The address of a program is known before its line only when the test chose it. */
async function freePort(): Promise<number> {
  const { server, port } = await occupyPort()
  server.close()
  await once(server, 'close')
  return port
}

async function occupyPort(): Promise<{ server: Server; port: number }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { server, port: address.port }
}
