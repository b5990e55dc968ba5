/** A PostgreSQL server on a socket of this machine, with PGlite behind it: a real `pg` client meets a real engine, and nothing is installed. */
import { createServer, type Socket } from 'node:net'
import { PGlite } from '@electric-sql/pglite'
import { listenOn } from './tcp.ts'

export type PgServer = {
  readonly port: number
  /** From now on it takes what comes and answers nothing; `false` ends that for what comes then. */
  silence(isSilent: boolean): void
  /** Closes every connection, as a server that goes down does. */
  cut(): void
  close(): Promise<void>
}

const SSL_REQUEST = 80_877_103
const TERMINATE = 'X'.charCodeAt(0)

/** One engine and one session for all connections: they take turns, message by message. */
export async function startPgServer(): Promise<PgServer> {
  const engine = await PGlite.create()
  let turn: Promise<unknown> = Promise.resolve()
  let isSilent = false

  function serve(socket: Socket): void {
    let pending = Buffer.alloc(0)
    let isStarted = false
    socket.on('error', () => {})
    socket.on('data', (data) => {
      pending = Buffer.concat([pending, data])
      if (!isStarted && pending.length >= 8 && pending.readInt32BE(4) === SSL_REQUEST) {
        pending = pending.subarray(8)
        socket.write('N')
      }
      const size = sizeOfWhole(pending, isStarted)
      if (size === 0) return
      const messages = Uint8Array.from(pending.subarray(0, size))
      pending = pending.subarray(size)
      isStarted = true
      if (messages[0] === TERMINATE) socket.end()
      else if (!isSilent)
        turn = turn.then(async () => socket.writable && socket.write(await engine.execProtocolRaw(messages))).catch(() => socket.destroy())
    })
  }

  const { port, cut, close } = await listenOn(createServer(serve))
  return {
    port,
    cut,
    silence(value) {
      isSilent = value
    },
    async close() {
      await close()
      await turn
      await engine.close()
    },
  }
}

/** Bytes of the messages that are complete; the first of a connection has no type. */
function sizeOfWhole(bytes: Buffer, isStarted: boolean): number {
  let size = 0
  let header = isStarted ? 1 : 0
  while (size + header + 4 <= bytes.length) {
    const end = size + header + bytes.readInt32BE(size + header)
    if (end > bytes.length) return size
    size = end
    header = 1
  }
  return size
}
