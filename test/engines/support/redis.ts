/** A Redis server of the test's own: a free port, nothing on disk, gone afterwards. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { freePort } from './postgres.ts'

export type RedisServer = {
  readonly port: number
  /** Resolves when the server takes commands. */
  start(): Promise<void>
  /** As a power cut would: no goodbye to anybody. */
  killHard(): Promise<void>
  /** Connections stay open and nothing is answered, until {@link thaw}. */
  freeze(): void
  thaw(): void
  /** Ends the server. */
  remove(): Promise<void>
}

const START_MS_MAX = 15_000

/** Chooses a port; {@link RedisServer.start} starts the server. `password` is asked of every client; `isClustered`: for {@link joinCluster}. */
export async function createRedis({ password = '', isClustered = false } = {}): Promise<RedisServer> {
  const program = findProgram()
  const folder = mkdtempSync(join(tmpdir(), 'tts-otel-redis-'))
  const port = await freePort()
  const settings = {
    port,
    bind: '127.0.0.1',
    dir: folder,
    save: '',
    appendonly: 'no',
    ...(password ? { requirepass: password } : {}),
    ...(isClustered ? { 'cluster-enabled': 'yes', 'cluster-port': await freePort() } : {}),
  }
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])
  let server: ChildProcess | undefined

  async function killHard(): Promise<void> {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return
    const exit = once(server, 'exit')
    server.kill('SIGKILL')
    await exit
  }
  return {
    port,
    async start() {
      // The same binary is the server and the tool that checks its files; its name decides.
      server = spawn(program, args, { argv0: 'redis-server', cwd: folder, stdio: 'ignore' })
      await answers({ port, password }, server)
    },
    killHard,
    freeze: () => void server?.kill('SIGSTOP'),
    thaw: () => void server?.kill('SIGCONT'),
    async remove() {
      await killHard()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const SLOTS = 16_384

/** Makes one cluster of servers that are started, each with its share of the slots. Resolves when all of them know it. */
export async function joinCluster(servers: readonly RedisServer[]): Promise<void> {
  const clients = servers.map(({ port }) => new Redis(port, '127.0.0.1'))
  const [, busPort] = (await clients[0]!.config('GET', 'cluster-port')) as string[]
  const firstOf = (index: number) => Math.floor((index * SLOTS) / clients.length)
  for (const [index, client] of clients.entries()) {
    await client.call('CLUSTER', 'ADDSLOTSRANGE', firstOf(index), firstOf(index + 1) - 1)
    if (index > 0) await client.call('CLUSTER', 'MEET', '127.0.0.1', servers[0]!.port, busPort!)
  }
  const isReady = async (client: Redis) => String(await client.cluster('INFO')).includes('cluster_state:ok')
  for (const client of clients) while (!(await isReady(client))) await sleep(50)
  for (const client of clients) client.disconnect()
}

/** `redis-tools` brings the server's binary without a service that would start by itself. */
function findProgram(): string {
  const programs = ['/usr/bin/redis-server', '/usr/local/bin/redis-server', '/usr/bin/redis-check-rdb']
  const program = programs.find((path) => existsSync(path))
  if (program === undefined) throw new Error('There is no Redis here; run test/engines/setup.sh')
  return program
}

async function answers({ port, password }: { port: number; password: string }, server: ChildProcess): Promise<void> {
  const client = new Redis({ host: '127.0.0.1', port, password, retryStrategy: () => 50, maxRetriesPerRequest: null })
  client.on('error', () => {})
  const late = sleep(START_MS_MAX, 'late', { ref: false })
  const ended = once(server, 'exit').then(() => 'ended')
  const outcome = await Promise.race([client.ping(), late, ended]).finally(() => client.disconnect())
  if (outcome !== 'PONG') throw new Error(`Redis did not start on port ${port}: ${outcome}`)
}
