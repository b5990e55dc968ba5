import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { openDatabase } from '../../../collector/src/postgres/database.ts'

/** A message of the server: https://www.postgresql.org/docs/current/protocol-message-formats.html */
function message(type: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length + 4)
  return Buffer.concat([Buffer.from(type), length, body])
}

const OPEN = Buffer.concat([message('R', Buffer.alloc(4)), message('Z', Buffer.from('I'))])
const GOODBYE = message('E', Buffer.from('SFATAL\0C57P01\0Mterminating connection due to unexpected postmaster exit\0\0'))

test('a server that says goodbye in the same breath as hello fails the statement, not the process', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.end(Buffer.concat([OPEN, GOODBYE])))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : 0

  const database = openDatabase({ url: `postgres://somebody@127.0.0.1:${port}/anything`, dataDir: '' })
  await expect(database.query('SELECT 1')).rejects.toThrow()
  await expect(database.transaction((tx) => tx.query('SELECT 1'))).rejects.toThrow()
  await database.close()
  server.close()
})
