/** A PostgreSQL server of the test's own: a free port, a temporary folder, gone afterwards. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, globSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'

export type PostgresServer = {
  readonly url: string
  /** Resolves when the server takes connections. */
  start(): Promise<void>
  /** As a power cut would: no goodbye to anybody. */
  killHard(): Promise<void>
  /** Ends the server and removes its data. */
  remove(): Promise<void>
}

const START_MS_MAX = 30_000

/** Makes the server's files; {@link PostgresServer.start} starts it. */
export async function createPostgres(): Promise<PostgresServer> {
  const bin = globSync('/usr/lib/postgresql/*/bin').sort().at(-1)
  if (bin === undefined) throw new Error('There is no PostgreSQL under /usr/lib/postgresql; run test/engines/setup.sh')
  const user = serverUser()
  const folder = mkdtempSync(join(tmpdir(), 'tts-otel-postgres-'))
  if (user.uid !== undefined && user.gid !== undefined) chownSync(folder, user.uid, user.gid)
  const data = join(folder, 'data')
  execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync'], { ...user, cwd: folder })
  const port = await freePort()
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  let server: ChildProcess | undefined

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return
    const exit = once(server, 'exit')
    server.kill(signal)
    await exit
  }
  return {
    url,
    async start() {
      const deadline = Date.now() + START_MS_MAX
      for (;;) {
        server = spawn(join(bin, 'postgres'), ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', folder], {
          ...user,
          cwd: folder,
          stdio: 'ignore',
        })
        if (await answers(url, server, deadline)) return
        // After a hard kill the old server's last children may still hold its shared memory.
        if (Date.now() > deadline) throw new Error(`PostgreSQL did not start on port ${port} within ${START_MS_MAX / 1000} s`)
        await sleep(100)
      }
    },
    killHard: () => end('SIGKILL'),
    async remove() {
      await end('SIGINT')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** PostgreSQL refuses to run as root; its package brings a user for it. */
export function serverUser(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

/** A port of this machine on which nobody listens. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** False when the server ended instead. */
async function answers(url: string, server: ChildProcess, deadline: number): Promise<boolean> {
  while (server.exitCode === null && server.signalCode === null && Date.now() < deadline) {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 })
    client.on('error', () => {})
    try {
      await client.connect()
      return true
    } catch {
      await sleep(50)
    } finally {
      await client.end().catch(() => {})
    }
  }
  return false
}
