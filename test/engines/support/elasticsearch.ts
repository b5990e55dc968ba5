/** An Elasticsearch node of the test's own: a free port, a temporary folder, gone afterwards. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createElastic, type Elastic } from '../../collector/elasticsearch/elastic.ts'
import { freePort } from './postgres.ts'

export type ElasticsearchServer = {
  readonly url: string
  /** Asks the server directly, as its user `elastic` where it has users. */
  readonly elastic: Elastic
  /** Resolves when the server takes data. */
  start(): Promise<void>
  /** As a power cut would: no goodbye to anybody. */
  killHard(): Promise<void>
  /** Connections stay open and nothing is answered, until {@link thaw}. */
  freeze(): void
  thaw(): void
  /** Ends the server and removes its data. */
  remove(): Promise<void>
}

export type ElasticsearchOptions = {
  /** Of the user `elastic`; turns users, roles and API keys on. */
  readonly password?: string
  /** PEM; turns HTTPS on, for which there must be a password. */
  readonly tls?: { readonly cert: string; readonly key: string }
  /** Of `elasticsearch.yml`, beside those that every test needs. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>
}

const SOURCES = fileURLToPath(new URL('../elasticsearch', import.meta.url))
/** A JVM takes 5 s on an idle machine. */
const START_MS_MAX = 90_000

/** Makes the server's files; {@link ElasticsearchServer.start} starts it. */
export async function createElasticsearch({ password, tls, settings = {} }: ElasticsearchOptions = {}): Promise<ElasticsearchServer> {
  const home = findHome()
  const folder = mkdtempSync(join(tmpdir(), 'tts-otel-elasticsearch-'))
  const port = await freePort()
  const all = { ...nodeSettings(folder, port, await freePort()), ...(tls === undefined ? {} : tlsSettings(folder, tls)), ...settings }
  writeFileSync(
    join(folder, 'conf', 'elasticsearch.yml'),
    Object.entries(all)
      .map(([name, value]) => `${name}: ${value}\n`)
      .join(''),
  )
  const url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`
  const elastic = createElastic({
    url,
    ca: tls?.cert,
    credentials: password === undefined ? undefined : { kind: 'basic', username: 'elastic', password },
  })
  let server: ChildProcess | undefined

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return
    const exit = once(server, 'exit')
    server.kill('SIGCONT')
    server.kill(signal)
    await exit
  }
  return {
    url,
    elastic,
    async start() {
      const words = [
        '-Xms512m',
        '-Xmx512m',
        `-Djava.io.tmpdir=${join(folder, 'tmp')}`,
        '-Dlog4j.shutdownHookEnabled=false',
        '-Dlog4j2.disable.jmx=true',
      ]
      server = spawn('java', [...words, '-cp', `${home}/classes:${home}/lib/*`, 'EsMain', home, join(folder, 'conf')], {
        cwd: folder,
        env: { PATH: process.env.PATH ?? '', ...(password === undefined ? {} : { ELASTIC_PASSWORD: password }) },
        stdio: 'ignore',
      })
      await answers(elastic, server, join(folder, 'logs', 'node.log'))
    },
    killHard: () => end('SIGKILL'),
    freeze: () => void server?.kill('SIGSTOP'),
    thaw: () => void server?.kill('SIGCONT'),
    async remove() {
      await end('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function findHome(): string {
  const version = /<es.version>(.*)<\/es.version>/.exec(readFileSync(join(SOURCES, 'server.pom.xml'), 'utf8'))?.[1]
  const home = fileURLToPath(new URL(`../../../.cache/elasticsearch-${version}`, import.meta.url))
  // The last that install.sh makes.
  if (!existsSync(join(home, 'modules-security/lifecycle/lifecycle.jar')))
    throw new Error(`There is no Elasticsearch in ${home}, or only a part of it; run test/engines/setup.sh`)
  return home
}

function nodeSettings(folder: string, port: number, transportPort: number): Record<string, string | number | boolean> {
  for (const name of ['conf', 'data', 'logs', 'tmp']) mkdirSync(join(folder, name))
  copyFileSync(join(SOURCES, 'log4j2.properties'), join(folder, 'conf', 'log4j2.properties'))
  return {
    'cluster.name': 'test',
    'node.name': 'node',
    'path.data': join(folder, 'data'),
    'path.logs': join(folder, 'logs'),
    'network.host': '127.0.0.1',
    'http.port': port,
    'transport.port': transportPort,
    'discovery.type': 'single-node',
    // The disk of a test machine may be nearly full.
    'cluster.routing.allocation.disk.threshold_enabled': false,
  }
}

function tlsSettings(folder: string, { cert, key }: { readonly cert: string; readonly key: string }): Record<string, string | boolean> {
  const files = { certificate: join(folder, 'conf', 'http.crt'), key: join(folder, 'conf', 'http.key') }
  writeFileSync(files.certificate, cert)
  writeFileSync(files.key, key)
  return {
    'xpack.security.http.ssl.enabled': true,
    'xpack.security.http.ssl.certificate': files.certificate,
    'xpack.security.http.ssl.key': files.key,
  }
}

async function answers(elastic: Elastic, server: ChildProcess, log: string): Promise<void> {
  const deadline = Date.now() + START_MS_MAX
  while (server.exitCode === null && server.signalCode === null && Date.now() < deadline) {
    const health = await elastic.ask('GET', '/_cluster/health?wait_for_status=yellow&timeout=2s').catch(() => undefined)
    if (health?.status === 200) return
    await sleep(100)
  }
  server.kill('SIGKILL')
  const lines = existsSync(log) ? readFileSync(log, 'utf8').split('\n').slice(-20).join('\n') : ''
  throw new Error(`Elasticsearch did not start: ${lines}`)
}
