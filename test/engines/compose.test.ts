/** docker-compose.yml and what it mounts, as far as it can be checked without Docker. */
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { COLLECTOR_SETTINGS } from '../../collector/src/settings.ts'
import { testedNode } from '../support/run-node.ts'
import { createPostgres, type PostgresServer } from './support/postgres.ts'

const root = join(import.meta.dirname, '../..')

type Service = {
  readonly image: string
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly healthcheck?: object
}

/** What `docker-compose config` makes of the file; rejects with what it says against it. */
async function resolve(file: string, env: Readonly<Record<string, string>>): Promise<Readonly<Record<string, Service>>> {
  const run = promisify(execFile)('docker-compose', ['-f', join(root, file), 'config'], { env: { PATH: process.env.PATH ?? '', ...env } })
  const { stdout } = await run.catch((error: { stderr: string }) => Promise.reject(new Error(error.stderr)))
  return parse(stdout).services
}

/** What a user is told to put into `.env`. */
const secrets = execFileSync(testedNode(), [join(root, 'scripts/compose-env.ts')], { encoding: 'utf8' })
const env = Object.fromEntries(
  secrets
    .trim()
    .split('\n')
    .map((line) => line.split('=') as [string, string]),
)

test('docker-compose reads it with the secrets that compose-env.ts makes, and refuses it while one is missing', async () => {
  await resolve('docker-compose.yml', env)
  expect(Object.keys(env).length).toBeGreaterThan(5)
  for (const name of Object.keys(env)) await expect(resolve('docker-compose.yml', { ...env, [name]: '' })).rejects.toThrow(name)
})

test('it publishes on loopback alone, pins every image, and knows the health of every server', async () => {
  const services = await resolve('docker-compose.yml', env)
  const all = Object.entries(services)
  expect(all.flatMap(([, { ports = [] }]) => ports).filter((port) => !/^127\.0\.0\.1:\d+:\d+\/tcp$/.test(port))).toEqual([])
  expect(all.filter(([, { image }]) => !/:v?\d+\.\d+(\.\d+)?(-[a-z]+)?$/.test(image))).toEqual([])
  // The official collector's image has nothing to check itself with; the other one ends at once.
  expect(all.filter(([, { healthcheck }]) => healthcheck === undefined).map(([name]) => name)).toEqual(['otelcol', 'volume-owners'])
})

test('what it mounts is there, and what it sets is known to those who read it', async () => {
  const services = Object.values(await resolve('docker-compose.yml', env))
  const mounted = services.flatMap(({ volumes = [] }) =>
    volumes.filter((volume) => volume.startsWith('/')).map((volume) => volume.split(':')[0]!),
  )
  expect(mounted.length).toBeGreaterThan(5)
  expect(mounted.filter((path) => !existsSync(path))).toEqual([])
  const ours = services
    .filter(({ image }) => image.startsWith('tts-otel-collector'))
    .flatMap(({ environment = {} }) => Object.keys(environment))
  expect(ours.filter((name) => !Object.hasOwn(COLLECTOR_SETTINGS, name))).toEqual([])
  const config = readFileSync(join(root, 'otel-collector-config.yaml'), 'utf8')
  const otelcol = services.flatMap(({ image, environment = {} }) => (image.startsWith('otel/') ? Object.keys(environment) : []))
  expect(otelcol.filter((name) => name !== 'GOMEMLIMIT' && !config.includes(`\${env:${name}`))).toEqual([])
})

test('what the Dockerfiles copy is there', () => {
  const copied = globSync('collector/**/Dockerfile', { cwd: root, exclude: ['**/node_modules'] }).flatMap((file) => {
    const lines = readFileSync(join(root, file), 'utf8').matchAll(/^COPY (?!--from)(.*) \S+$/gm)
    return [...lines].flatMap((match) => match[1]!.split(' '))
  })
  expect(copied.length).toBeGreaterThan(2)
  expect(copied.filter((path) => !existsSync(join(root, path)))).toEqual([])
})

let server: PostgresServer
beforeAll(async () => {
  server = await createPostgres()
  await server.start()
})
afterAll(() => server.remove())

test('the first start of its PostgreSQL makes the three users with their passwords', async () => {
  const { port, hostname } = new URL(server.url)
  const psql = globSync('/usr/lib/postgresql/*/bin').sort().at(-1)!
  const shell = { PATH: `${psql}:${process.env.PATH}`, PGHOST: hostname, PGPORT: port, POSTGRES_USER: 'postgres', POSTGRES_DB: 'postgres' }
  execFileSync('psql', ['-U', 'postgres', '-f', join(root, 'collector/sql/roles.sql')], { env: shell, stdio: 'pipe' })
  execFileSync(join(root, 'deploy/postgres/passwords.sh'), { env: { ...shell, ...env }, stdio: 'pipe' })
  const client = new Client({ connectionString: server.url })
  await client.connect()
  const { rows } = await client.query(
    "SELECT rolname, rolpassword LIKE 'SCRAM-SHA-256$%' AS has FROM pg_authid WHERE rolname LIKE 'tts%' ORDER BY 1",
  )
  await client.end()
  expect(rows).toEqual(['owner', 'reader', 'writer'].map((role) => ({ rolname: `tts_otel_${role}`, has: true })))
})
