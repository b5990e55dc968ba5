/** The commands of the collector's program on the embedded database; test/engines/erase.test.ts has them on real servers. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { runProgram, startProgram } from './program.ts'

const dataDir = mkdtempSync(join(tmpdir(), 'tts-otel-commands-'))
const env = { COLLECTOR_DATA_DIR: dataDir }
afterAll(() => rmSync(dataDir, { recursive: true, force: true }))

test('the embedded database is for one process: first stop the collector, then a person is removed from it', {
  timeout: 60_000,
}, async () => {
  const collector = await startProgram(env)
  const attributes = [{ key: 'user_id', value: { stringValue: '4711' } }]
  const logRecords = [1, 2].map(() => ({ timeUnixNano: `${Date.now()}000000`, body: { stringValue: 'hello' }, attributes }))
  const body = JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] })
  await fetch(`${collector.url}/v1/logs`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  for (const words of [['erase', '--user-id', '4711'], ['dead-letters']])
    expect(await runProgram(env, words)).toMatchObject({ code: 1, stderr: expect.stringContaining('stop the collector for this') })
  await collector.end('SIGTERM')

  const counted = await runProgram(env, ['erase', '--user-id', '4711'])
  expect(counted).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/logs +2\n/) })
  expect(counted.stdout).toMatch(/\n\nNothing was changed; --yes removes it\.\n$/)
  expect((await runProgram(env, ['erase', '--user-id', '4711', '--yes'])).stdout).toMatch(/logs +2\n[\s\S]*reads \(kept, ids erased\) +0\n/)
  expect((await runProgram(env, ['erase', '--user-id', '4711', '--yes'])).stdout).toMatch(/logs +0\n/)
  expect((await runProgram(env, ['dead-letters'])).stdout).toBe('0 in postgres\n')
  expect(await runProgram(env, ['dead-letters', '--store', 'elasticsearch'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no elasticsearch is configured'),
  })
  const away = { ...env, ELASTICSEARCH_URL: 'http://127.0.0.1:1' }
  expect(await runProgram(away, ['dead-letters', '--store', 'postgres'])).toMatchObject({ code: 0, stdout: '0 in postgres\n', stderr: '' })
  expect(await runProgram(away, ['dead-letters'])).toMatchObject({
    code: 1,
    stdout: '0 in postgres\n',
    stderr: expect.stringMatching(/^elasticsearch could not be asked: .+\n$/),
  })
})

test('what alerts remember of a person it tells', { timeout: 60_000 }, async () => {
  const folder = join(dataDir, 'alerts-here')
  const given = { COLLECTOR_DATA_DIR: folder, ERROR_WEBHOOK_URL: 'http://127.0.0.1:1/', ALERT_ALLOW_PRIVATE: '127.0.0.0/8' }
  const collector = await startProgram(given)
  const attributes = Object.entries({ user_id: 'dora', request_id: 'r-1' }).map(([key, value]) => ({ key, value: { stringValue: value } }))
  const logRecords = [{ timeUnixNano: `${Date.now()}000000`, severityNumber: 21, body: { stringValue: 'of dora' }, attributes }]
  const body = JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] })
  await fetch(`${collector.url}/v1/logs`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  await collector.end('SIGTERM')

  const { code, stdout } = await runProgram(given, ['erase', '--user-id', 'dora', '--yes'])
  expect(code).toBe(1)
  expect(stdout).toMatch(
    /logs +1\n[\s\S]*Still there:\n {2}- 1 notifications of alerts on their way quote these requests: .* 15 minutes.*memory\.jsonl/,
  )
  expect(await runProgram(given, ['erase', '--user-id', 'nobody', '--yes'])).toMatchObject({ code: 0, stderr: '' })
})

test.each([[['erase', '--user-id', '4711']], [['dead-letters']]])(
  'without settings %j says what to set, and makes no database',
  async (words) => {
    const folder = join(dataDir, 'not-there')
    const { code, stderr } = await runProgram({ COLLECTOR_DATA_DIR: folder }, words)
    expect(code).toBe(1)
    expect(stderr).toMatch(/DATABASE_URL is not set, and .*not-there holds no embedded database\. Set DATABASE_ADMIN_URL and DATABASE_URL/)
    expect(existsSync(folder)).toBe(false)
  },
)

test('each command says what it does', async () => {
  expect((await runProgram({}, ['--help'])).stdout).toMatch(/dead-letters .*\n.*erase /)
  for (const name of ['erase', 'dead-letters'])
    expect(await runProgram({}, [name, '--help'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`tts-otel-collector ${name}`),
      stderr: '',
    })
})
