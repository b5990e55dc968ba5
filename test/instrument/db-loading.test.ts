/** In child processes: what is loaded once cannot be loaded afresh. */
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ended, runNode } from '../support/run-node.ts'
import { type PgServer, startPgServer } from './pg-server.ts'
import { type RedisServer, startRedisServer } from './redis-server.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const fixture = (name: string) => join(root, 'test/fixtures/instrument', name)
const watch = ['--import', fixture('watch-db.ts')]
const other = ['--import', fixture('other-hooks.mjs')]

let pgServer: PgServer
let redisServer: RedisServer
let folder: string
beforeAll(async () => {
  pgServer = await startPgServer()
  redisServer = await startRedisServer()
  folder = mkdtempSync(join(tmpdir(), 'tts-otel-loading-'))
})
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await pgServer.close()
  await redisServer.close()
})

/** Runs the text as an app of this repository, or of `cwd`. */
function run(source: string, options: readonly string[], { type = 'module', cwd = root } = {}): Promise<Ended> {
  const env = { PG_PORT: String(pgServer.port), REDIS_PORT: String(redisServer.port) }
  return runNode(['--no-warnings', ...options, `--input-type=${type}`, '--eval', source], { cwd, env })
}

const usePg = `
  const pool = new Pool({ host: '127.0.0.1', port: Number(process.env.PG_PORT), user: 'postgres', database: 'postgres' })
  pool.query('SELECT 1 AS one').then(({ rows }) => console.log(rows)).finally(() => pool.end())`
const useRedis = `
  const redis = new Redis({ host: '127.0.0.1', port: Number(process.env.REDIS_PORT) })
  redis.get('nothing').then(console.log).finally(() => redis.disconnect())`
const late = `await import(${JSON.stringify(`file://${fixture('watch-db.ts')}`)})`

test.each([
  ['import pg', `import pg from 'pg'; const { Pool } = pg; ${usePg}`, 'module'],
  ['import { Pool }', `import { Pool } from 'pg'; ${usePg}`, 'module'],
  ['import()', `const { Pool } = await import('pg'); ${usePg}`, 'module'],
  ['import pg-pool', `import Pool from 'pg-pool'; ${usePg}`, 'module'],
  ['require', `const { Pool } = require('pg'); ${usePg}`, 'commonjs'],
])('pg by %s', async (_name, source, type) => {
  for (const ended of await Promise.all([watch, [...other, ...watch]].map((options) => run(source, options, { type }))))
    expect(ended).toMatchObject({ code: 0, stdout: '[ { one: 1 } ]\n', stderr: 'SELECT' })
})

test.each([
  ['import Redis', `import Redis from 'ioredis'; ${useRedis}`, 'module'],
  ['import { Redis }', `import { Redis } from 'ioredis'; ${useRedis}`, 'module'],
  ['require', `const { Redis } = require('ioredis'); ${useRedis}`, 'commonjs'],
])('ioredis by %s', async (_name, source, type) => {
  for (const ended of await Promise.all([watch, [...other, ...watch]].map((options) => run(source, options, { type }))))
    expect(ended).toMatchObject({ code: 0, stdout: 'null\n', stderr: 'GET' })
})

test('both when they were loaded before us', async () => {
  const source = `import { Pool } from 'pg'; import Redis from 'ioredis'; ${late}; ${usePg}; ${useRedis}`
  const { code, stderr } = await run(source, [])
  expect({ code, spans: stderr.split(', ').sort() }).toEqual({ code: 0, spans: ['GET', 'SELECT'] })
})

test('a second copy of pg is watched like the first', async () => {
  const app = join(folder, 'two')
  cpSync(join(root, 'node_modules/pg'), join(app, 'node_modules/pg'), { recursive: true })
  for (const name of ['pg-connection-string', 'pg-pool', 'pg-protocol', 'pg-types', 'pgpass'])
    symlinkSync(join(root, 'node_modules', name), join(app, 'node_modules', name))
  const first = JSON.stringify(join(root, 'node_modules/pg'))
  const source = `const first = require(${first}); const { Pool } = require('pg'); console.log(first.Client === require('pg').Client)
    ${usePg}.then(() => { const pool = new first.Pool({ host: '127.0.0.1', port: Number(process.env.PG_PORT), user: 'postgres', database: 'postgres' })
      return pool.query('SELECT 2').then(() => pool.end()) })`
  const ended = await run(source, watch, { type: 'commonjs', cwd: app })
  expect(ended).toMatchObject({ code: 0, stdout: 'false\n[ { one: 1 } ]\n', stderr: 'SELECT, SELECT' })
})

describe('in a bundle', () => {
  async function bundle(name: string, source: string): Promise<string> {
    const outfile = join(folder, `${name}.cjs`)
    const stdin = { contents: source, resolveDir: root }
    await build({ stdin, outfile, bundle: true, platform: 'node', external: ['pg-native'], logLevel: 'error' })
    return outfile
  }
  const runFile = (file: string) =>
    runNode(['--no-warnings', ...watch, file], { env: { PG_PORT: String(pgServer.port), REDIS_PORT: String(redisServer.port) } })

  test('ioredis is followed by its own channels', async () => {
    const app = await bundle('redis', `import Redis from 'ioredis'; ${useRedis}`)
    expect(await runFile(app)).toMatchObject({ code: 0, stdout: 'null\n', stderr: 'GET' })
  })

  test('pg is not found, and works', async () => {
    const app = await bundle('pg', `import { Pool } from 'pg'; ${usePg}`)
    expect(await runFile(app)).toMatchObject({ code: 0, stdout: '[ { one: 1 } ]\n', stderr: '' })
  })
})

test('without registration a callback of pg is in the request that made the connection, and with instrumentPg in its own', async () => {
  const source = (watched: string) => `
    import pg from 'pg'
    const { instrumentPg } = await import(${JSON.stringify(`file://${root}src/instrument/pg.ts`)})
    const { getRequestId, withRequest } = await import(${JSON.stringify(`file://${root}src/request-context.ts`)})
    const { Pool } = ${watched}
    const pool = new Pool({ host: '127.0.0.1', port: Number(process.env.PG_PORT), user: 'postgres', database: 'postgres', max: 1 })
    await withRequest({ requestId: 'first' }, () => pool.query('SELECT 1'))
    const ask = (done) => pool.query('SELECT 1', () => done(getRequestId()))
    console.log(await withRequest({ requestId: 'second' }, () => new Promise(ask)))
    console.log(await withRequest({ requestId: 'third' }, () => pool.query('SELECT 1').then(getRequestId)))
    await pool.end()`
  const [bare, watched] = await Promise.all([run(source('pg'), []), run(source('instrumentPg(pg)'), [])])
  expect(bare).toMatchObject({ code: 0, stdout: 'first\nthird\n', stderr: '' })
  expect(watched).toMatchObject({ code: 0, stdout: 'second\nthird\n', stderr: '' })
})

test.each([
  [
    'pg',
    `import { Pool } from 'pg'; ${usePg.replace('SELECT 1 AS one', 'SELEC').replace('.finally(() => pool.end())', '')}`,
    /syntax error/,
  ],
  [
    'ioredis',
    `import Redis from 'ioredis'; ${useRedis.replace("get('nothing')", "lpush('a', 'b')").replace(/\.then.*$/, '')}`,
    /WRONGTYPE/,
  ],
])('a rejection of %s that nobody handles ends the process, as it does without us', async (_name, source, message) => {
  for (const { code, stderr } of await Promise.all([[], watch].map((options) => run(source, options)))) {
    expect(code).toBe(1)
    expect(stderr).toMatch(message)
  }
})

test('an error event of a query object that nobody listens for ends the process, as it does without us', async () => {
  const source = `import pg from 'pg'
    const client = new pg.Client({ host: '127.0.0.1', port: Number(process.env.PG_PORT), user: 'postgres', database: 'postgres' })
    await client.connect()
    client.query(new pg.Query('SELEC'))`
  for (const { code, stderr } of await Promise.all([[], watch].map((options) => run(source, options)))) {
    expect(code).not.toBe(0)
    expect(stderr).toContain('syntax error')
  }
})
