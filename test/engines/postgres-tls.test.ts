/** TLS to PostgreSQL, as docs/security.md says to ask for it. */
import { chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { countLogs, sendLogs, startProgram } from '../collector/app/program.ts'
import { createAuthority } from '../collector/support/authority.ts'
import { createPostgres, type PostgresServer } from './support/postgres.ts'

const authority = createAuthority()
const folder = mkdtempSync(join(tmpdir(), 'tts-otel-postgres-tls-'))
let server: PostgresServer
beforeAll(async () => {
  server = await createPostgres()
  await server.start()
  await speakTls(server.url, authority.issue(['localhost']))
})
afterAll(async () => {
  await server?.remove()
  rmSync(folder, { recursive: true })
})

test('with sslmode=verify-full and its authority records go to PostgreSQL over TLS', async () => {
  const program = await startProgram({ DATABASE_URL: `${server.url}?sslmode=verify-full&sslrootcert=${put('ca.pem', authority.ca)}` })
  expect(await sendLogs(program.url, 'over-tls', 5)).toBe(200)
  expect(await countLogs(program.url, 'over-tls')).toBe(5)
  const connections = await ask(`SELECT ssl FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) WHERE application_name LIKE 'tts-otel%'`)
  expect(connections.length).toBeGreaterThan(0)
  expect(connections.every(({ ssl }) => ssl)).toBe(true)
  expect(await program.end('SIGTERM')).toBe(0)
})

test('a server of an unknown authority is not spoken to, and readiness says why', async () => {
  const other = put('other.pem', createAuthority().ca)
  const program = await startProgram({ DATABASE_URL: `${server.url}?sslmode=verify-full&sslrootcert=${other}` })
  const ready = await fetch(`${program.url}/readyz`)
  expect([ready.status, await ready.json()]).toEqual([503, { status: 'unavailable', reason: expect.stringMatching(/certificate/) }])
  expect(await sendLogs(program.url, 'nowhere', 1)).toBe(503)
  await program.end('SIGTERM')
})

async function speakTls(url: string, { cert, key }: { cert: string; key: string }): Promise<void> {
  const data = (await ask('SHOW data_directory', url))[0]?.data_directory ?? ''
  const { uid, gid } = statSync(data)
  for (const [name, text] of [
    ['server.crt', cert],
    ['server.key', key],
  ] as const) {
    writeFileSync(join(data, name), text, { mode: 0o600 })
    chownSync(join(data, name), uid, gid)
  }
  await ask('ALTER SYSTEM SET ssl = on', url)
  await ask('SELECT pg_reload_conf()', url)
  for (let look = 0; look < 200; look++) {
    if ((await ask('SHOW ssl', url))[0]?.ssl === 'on') return
    await sleep(100)
  }
  throw new Error('PostgreSQL does not speak TLS')
}

async function ask(sql: string, url = server.url): Promise<readonly Record<string, string>[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query(sql)
  await client.end()
  return rows
}

function put(name: string, text: string): string {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}
