/** The compose files and what they mount, as far as it can be checked without Docker. */
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { STOP_MS_MAX } from '../../collector/src/app.ts'
import { parseCollectorConfig } from '../../collector/src/config.ts'
import { COLLECTOR_SETTINGS } from '../../collector/src/settings.ts'
import { testedNode } from '../support/run-node.ts'
import { createPostgres, type PostgresServer } from './support/postgres.ts'

const root = join(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')

type Service = {
  readonly image: string
  readonly build?: object
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly healthcheck?: object
  readonly stop_grace_period?: string
}

/** What `docker-compose config` makes of the file; rejects with what it says against it. */
async function resolve(file: string, env: Readonly<Record<string, string>>): Promise<Readonly<Record<string, Service>>> {
  const run = promisify(execFile)('docker-compose', ['-f', join(root, file), 'config'], { env: { PATH: process.env.PATH ?? '', ...env } })
  const { stdout } = await run.catch((error: { stderr: string }) => Promise.reject(new Error(error.stderr)))
  return parse(stdout).services
}

type Made = {
  /** Passwords, as compose takes them from `.env`. */
  readonly env: Readonly<Record<string, string>>
  /** Tokens by their path from the folder of the compose file. */
  readonly tokens: Readonly<Record<string, string>>
}

/** What a user is told to make before the first start. */
function makeSecrets(file: string): Made {
  const folder = mkdtempSync(join(tmpdir(), 'tts-otel-compose-'))
  try {
    const made = execFileSync(testedNode(), [join(root, 'scripts/compose-secrets.ts'), join(root, file)], { cwd: folder, encoding: 'utf8' })
    const contents = made.split('\n').flatMap((path) => (path === '' ? [] : [[path, readFileSync(join(folder, path), 'utf8')] as const]))
    const [[, env = ''] = []] = contents
    return {
      env: Object.fromEntries(env.split('\n').flatMap((line) => (line === '' ? [] : [line.split('=') as [string, string]]))),
      tokens: Object.fromEntries(contents.slice(1)),
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe.each([
  // Official collectors have nothing in their images to check themselves with; the others end at once.
  { file: 'docker-compose.yml', unchecked: ['elasticsearch-users', 'otelcol', 'volume-owners'] },
  {
    file: 'docker-compose.scaled.yml',
    unchecked: ['agent', 'elasticsearch-certs', 'elasticsearch-users', 'gateway1', 'gateway2', 'volume-owners'],
  },
])('$file', ({ file, unchecked }) => {
  const { env, tokens } = makeSecrets(file)

  test('docker-compose reads it with the secrets that compose-secrets.ts makes, and refuses it while one is missing', async () => {
    await resolve(file, env)
    expect(Object.keys(env).length).toBeGreaterThan(5)
    await expect(resolve(file, { ...env, ES_WRITER_PASSWORD: '' })).rejects.toThrow('ES_WRITER_PASSWORD')
    // Whatever it takes from outside has a default or is asked for so.
    const taken = [...read(file).matchAll(/(?<!\$)\$\{?\w+([^}\w]{2})?/g)]
    expect(taken.filter(([, how]) => how !== ':?' && how !== ':-').map(([text]) => text)).toEqual([])
  })

  test('it publishes on loopback alone, pins every image, and knows the health of every server', async () => {
    const all = Object.entries(await resolve(file, env))
    expect(all.flatMap(([, { ports = [] }]) => ports).filter((port) => !/^127\.0\.0\.1:\d+:\d+\/tcp$/.test(port))).toEqual([])
    expect(all.filter(([, { image }]) => !/:v?\d+\.\d+(\.\d+)?(-[a-z]+)?$/.test(image))).toEqual([])
    expect(all.filter(([, { healthcheck }]) => healthcheck === undefined).map(([name]) => name)).toEqual(unchecked)
  })

  test('each image that is ours is built once', async () => {
    const services = Object.values(await resolve(file, env))
    const ours = new Set(services.map(({ image }) => image).filter((image) => image.startsWith('tts-otel')))
    const built = services.flatMap(({ image, build }) => (build === undefined ? [] : [image]))
    expect(built.toSorted()).toEqual([...ours].toSorted())
  })

  test('no token is in a variable: each is a file of a folder that is mounted, and so can be changed without a restart', async () => {
    const services = Object.values(await resolve(file, env))
    const named = services.flatMap(({ environment = {}, volumes = [] }) =>
      Object.entries(environment).flatMap(([name, value]) => (name.includes('TOKEN') ? [{ name, value, volumes }] : [])),
    )
    expect(named.length).toBeGreaterThan(5)
    for (const { name, value, volumes } of named) {
      expect(name).toMatch(/_TOKEN_FILE$/)
      const folder = volumes.map((volume) => volume.split(':')).find(([, inside]) => value.startsWith(`${inside}/`))?.[0]
      expect(tokens[`${folder?.slice(root.length + 1)}/token`], name).toMatch(/^[0-9a-f]{64}\n$/)
    }
  })

  test('who uses Elasticsearch is no superuser, but for the node itself and the one that makes the users', async () => {
    const all = Object.entries(await resolve(file, env))
    const withPassword = all.filter(([, { environment = {} }]) => Object.values(environment).includes(env.ELASTIC_PASSWORD!))
    expect(withPassword.map(([name]) => name).filter((name) => !/^elasticsearch(\d|-users)?$/.test(name))).toEqual([])
  })

  test('ours have the time to end that they may need', async () => {
    const ours = Object.values(await resolve(file, env)).filter(({ image }) => image.startsWith('tts-otel-collector'))
    const seconds = ours.map(({ stop_grace_period: period = '' }) => Number(/^(\d+)s$/.exec(period)?.[1]))
    expect(Math.min(...seconds)).toBeGreaterThanOrEqual(STOP_MS_MAX / 1_000 + 5)
  })

  test('what it mounts is there, and what it sets is known to those who read it', async () => {
    const services = Object.values(await resolve(file, env))
    const mounted = services.flatMap(({ volumes = [] }) =>
      volumes.filter((volume) => volume.startsWith('/')).map((volume) => volume.split(':')[0]!),
    )
    expect(mounted.length).toBeGreaterThan(5)
    const isMade = (path: string) => Object.keys(tokens).some((token) => join(root, token).startsWith(`${path}/`))
    expect(mounted.filter((path) => !existsSync(path) && !isMade(path))).toEqual([])
    const setFor = (name: string) =>
      services.filter(({ image }) => image.includes(name)).flatMap(({ environment = {} }) => Object.keys(environment))
    expect(setFor('tts-otel-collector:').filter((name) => !Object.hasOwn(COLLECTOR_SETTINGS, name.replace(/_FILE$/, '')))).toEqual([])
    const configs = ['otel-collector-config.yaml', 'deploy/scaled/agent.yaml', 'deploy/scaled/gateway.yaml'].map(read).join()
    expect(setFor('otelcol:').filter((name) => name !== 'GOMEMLIMIT' && !configs.includes(`\${env:${name}`))).toEqual([])
  })
})

test('the two files are two projects, so that neither finds the volumes of the other', () => {
  const names = ['docker-compose.yml', 'docker-compose.scaled.yml'].map((file) => makeSecrets(file).env.COMPOSE_PROJECT_NAME)
  expect(names).toEqual(['tts-otel', 'tts-otel-scaled'])
})

test('the evaluator has the shipped rules, or the file and the channels that .env names', async () => {
  const { env } = makeSecrets('docker-compose.yml')
  const readFile = (path: string) => (path.endsWith('/alerts.yaml') ? read('collector/alerts.yaml') : path.padEnd(32, '0'))
  const problemsOf = ({ environment = {} }: Service) => parseCollectorConfig(environment, [], { readFile }).problems
  const plain = (await resolve('docker-compose.yml', env)).evaluator!
  expect(plain.volumes).toContain(`${join(root, 'collector/alerts.yaml')}:/etc/tts-otel/alerts.yaml:ro`)
  expect(plain.environment?.ALERT_RULES).toBe('/etc/tts-otel/alerts.yaml')
  expect(problemsOf(plain)).toEqual([])
  const own = {
    ALERT_WEBHOOK_URL: 'https://hooks.example/1',
    ALERT_WEBHOOK_FORMAT: 'alertmanager',
    ERROR_WEBHOOK_URL: 'https://errors.example/1',
    ALERT_WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, 1).toString('base64')}`,
    ALERT_ALLOW_PRIVATE: '10.0.0.0/8',
  }
  const set = (await resolve('docker-compose.yml', { ...env, ...own, ALERT_RULES: './README.md' })).evaluator!
  expect(set.volumes).toContain(`${join(root, 'README.md')}:/etc/tts-otel/alerts.yaml:ro`)
  expect(set.environment).toMatchObject(own)
  expect(problemsOf(set)).toEqual([])
})

test('what the Dockerfiles copy is there', () => {
  const copied = globSync('collector/**/Dockerfile', { cwd: root, exclude: ['**/node_modules'] }).flatMap((file) => {
    const lines = read(file).matchAll(/^COPY (?!--from)(.*) \S+$/gm)
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
afterAll(() => server?.remove())

test('the first start of its PostgreSQL makes the three users with their passwords', async () => {
  const { port, hostname } = new URL(server.url)
  const psql = globSync('/usr/lib/postgresql/*/bin').sort().at(-1)!
  const shell = { PATH: `${psql}:${process.env.PATH}`, PGHOST: hostname, PGPORT: port, POSTGRES_USER: 'postgres', POSTGRES_DB: 'postgres' }
  execFileSync('psql', ['-U', 'postgres', '-f', join(root, 'collector/sql/roles.sql')], { env: shell, stdio: 'pipe' })
  execFileSync(join(root, 'deploy/postgres/passwords.sh'), { env: { ...shell, ...makeSecrets('docker-compose.yml').env }, stdio: 'pipe' })
  const client = new Client({ connectionString: server.url })
  await client.connect()
  const { rows } = await client.query(
    "SELECT rolname, rolpassword LIKE 'SCRAM-SHA-256$%' AS has FROM pg_authid WHERE rolname LIKE 'tts%' ORDER BY 1",
  )
  await client.end()
  expect(rows).toEqual(['owner', 'reader', 'writer'].map((role) => ({ rolname: `tts_otel_${role}`, has: true })))
})
