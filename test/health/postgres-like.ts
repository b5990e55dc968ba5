import { createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { listenTcp } from './support.ts'

export type PostgresLike = {
  readonly port: number
  /** Connections that are open now. */
  readonly sockets: ReadonlySet<Socket>
  /** Statements received. */
  statements(): number
}

/** `R`, length 8, 0: authentication is done. `Z`, length 5, idle: ready for a statement. */
const WELCOME = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49])
const QUERY = 0x51
/** `C`, length 13, the tag; then `Z` as above. */
const DONE = Buffer.concat([Buffer.from([0x43, 0, 0, 0, 13]), Buffer.from('SELECT 1\0'), Buffer.from([0x5a, 0, 0, 0, 5, 0x49])])

/** What makes it healthy: `startPostgresLike(answerStatement)`. */
export function answerStatement(socket: Socket): void {
  socket.write(DONE)
}

/**
 * A server that lets everybody in as PostgreSQL does and then hangs at the first statement, as a real one does whose disk is stuck, or does
 * with it what the test says.
 * https://www.postgresql.org/docs/current/protocol-flow.html
 */
export async function startPostgresLike(onStatement: (socket: Socket) => void = () => {}): Promise<PostgresLike> {
  const sockets = new Set<Socket>()
  let statements = 0
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.once('data', () => {
      socket.write(WELCOME)
      socket.on('data', (bytes) => {
        if (bytes[0] !== QUERY) return
        statements += 1
        onStatement(socket)
      })
    })
  })
  const { port } = await listenTcp(server)
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
  })
  return { port, sockets, statements: () => statements }
}
