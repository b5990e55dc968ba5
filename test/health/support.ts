import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { createHealth, type Health, type HealthOptions } from '../../src/health/health.ts'

// What the checks log has a test of its own; here it would only bury the results.
process.env.LOG_LEVEL = 'CRITICAL'

export type SilentServer = {
  readonly port: number
  /** Connections that are open now. */
  readonly sockets: ReadonlySet<Socket>
  /** Connections ever. */
  accepted(): number
}

/** A server that takes connections and never says a word: a database that hangs, a host behind a dead link. */
export async function startSilentServer(): Promise<SilentServer> {
  const sockets = new Set<Socket>()
  let accepted = 0
  const server = createServer((socket) => {
    accepted += 1
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    // Without reading, the end of the connection would not be seen.
    socket.resume()
  })
  const { port } = await listenTcp(server)
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
  })
  return { port, sockets, accepted: () => accepted }
}

/** On a free port of this machine, until the test ends. */
export async function listenTcp(server: Server): Promise<AddressInfo> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return server.address() as AddressInfo // a TCP server that listens has no other kind of address
}

/** A port on which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createServer()
  const { port } = await listenTcp(server)
  server.close()
  await once(server, 'close')
  return port
}

/** Ended with the test. A check runs once and then not again, unless `intervalMs` says so. */
export function openHealth<Name extends string>(options: HealthOptions<Name>): Health {
  const health = createHealth({ intervalMs: 600_000, ...options })
  onTestFinished(() => health.stop())
  return health
}
