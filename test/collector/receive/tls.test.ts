import { once } from 'node:events'
import type { OutgoingHttpHeaders } from 'node:http'
import https from 'node:https'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { expect, test } from 'vitest'
import { createAuthority } from '../support/authority.ts'
import { openSocket, type Running, startReceiver } from './receiver.ts'

const authority = createAuthority()
const server = { ...authority.issue(['localhost']), clientCa: undefined }
const client = authority.issue(['app'])
const mutual = { ...server, clientCa: authority.ca }

/** Posts an empty request; gives the status, or the code of what went wrong. */
function send({ port }: Running, options: https.RequestOptions): Promise<number | string | undefined> {
  return new Promise((resolve) => {
    const headers = { 'content-type': 'application/json', 'content-length': 2 }
    const request = https.request({ host: '127.0.0.1', port, path: '/v1/logs', method: 'POST', headers, agent: false, ...options })
    request.on('response', (response) => resolve(response.resume().statusCode))
    request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code))
    request.end('{}')
  })
}

test('with TLS: who trusts the authority is served, who does not or asks for another name is not', async () => {
  const receiver = await startReceiver({ kind: 'ok' }, { tls: server })
  expect(await send(receiver, { ca: authority.ca })).toBe(200)
  expect(await send(receiver, {})).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  expect(await send(receiver, { ca: createAuthority().ca })).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  expect(await send(receiver, { ca: authority.ca, servername: 'elsewhere.test' })).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
  expect(await send(receiver, { ca: authority.ca })).toBe(200)
})

test('TLS 1.2 and 1.3 are spoken, nothing older', async () => {
  const receiver = await startReceiver({ kind: 'ok' }, { tls: server })
  const only = (version: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3') =>
    send(receiver, { ca: authority.ca, minVersion: version, maxVersion: version, ciphers: 'DEFAULT:@SECLEVEL=0' })
  expect([await only('TLSv1.2'), await only('TLSv1.3')]).toEqual([200, 200])
  expect([await only('TLSv1'), await only('TLSv1.1')]).toEqual(['EPROTO', 'EPROTO'])
})

test('with authorities for clients: only their certificates get further than the handshake', async () => {
  const told: string[] = []
  const receiver = await startReceiver({ kind: 'ok' }, { tls: mutual, warn: (message) => told.push(message) })
  const ca = authority.ca
  expect(await send(receiver, { ca, ...client })).toBe(200)
  for (const stranger of [{}, createAuthority().issue(['app']), authority.issue(['app'], -1)])
    expect(await send(receiver, { ca, ...stranger })).toMatch(/^(ECONNRESET|EPIPE|EPROTO|ERR_SSL_)/)
  expect(receiver.batches).toEqual([])
  await expect.poll(receiver.refusals.prometheus, { timeout: 10_000 }).toContain('connections_refused_total{reason="tls"} 3\n')
  expect(told).toEqual(['A TLS handshake with 127.0.0.1 failed: peer did not return a certificate.'])
  expect(await send(receiver, { ca, ...client })).toBe(200)
})

test('plain HTTP on a port that speaks TLS, and TLS on a plain one, end at once and hurt nobody', async () => {
  const secure = await startReceiver({ kind: 'ok' }, { tls: server })
  const { socket, closed } = await openSocket(secure.port)
  socket.write('POST /v1/logs HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await closed
  expect(await send(secure, { ca: authority.ca })).toBe(200)
  expect(await send(await startReceiver(), { ca: authority.ca })).toMatch(/^(ECONNRESET|EPIPE|EPROTO|ERR_SSL_)/)
})

test('a handshake that nobody goes on with is cut off', async () => {
  const { port } = await startReceiver({ kind: 'ok' }, { tls: server, limits: { headersMs: 200 } })
  const { socket, closed } = await openSocket(port)
  socket.write(Buffer.from([0x16, 0x03, 0x01]))
  await closed
})

test('a renewed certificate is for new connections; an old one ends with its next answer, and nothing is cut', async () => {
  const receiver = await startReceiver({ kind: 'ok' }, { tls: server })
  const other = createAuthority()
  const old = await openSecure(receiver, { ca: authority.ca })
  old.write(
    'POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n',
  )
  expect(String((await once(old, 'data'))[0])).toMatch(/^HTTP\/1.1 100 /)

  receiver.renewTls({ ...other.issue(['localhost']), clientCa: undefined })
  expect(await send(receiver, { ca: authority.ca })).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  expect(await send(receiver, { ca: other.ca })).toBe(200)

  old.write('{}')
  const [answer] = await once(old, 'data')
  expect(String(answer)).toMatch(/^HTTP\/1.1 200 .*Connection: close/s)
  await once(old, 'close')
})

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  '%s: a client whose authority is no longer trusted cannot go on with its old session',
  async (version) => {
    const receiver = await startReceiver({ kind: 'ok' }, { tls: mutual })
    const options = { ca: authority.ca, ...client, minVersion: version, maxVersion: version }
    const first = await openSecure(receiver, options)
    let session = first.getSession() // in TLS 1.3 it comes later
    first.on('session', (ticket) => {
      session = ticket
    })
    expect(await exchange(first)).toMatch(/^HTTP\/1.1 200 /)
    expect(session).toBeDefined()
    const resumed = await openSecure(receiver, { ...options, session })
    expect([resumed.isSessionReused(), await exchange(resumed)]).toEqual([true, expect.stringMatching(/^HTTP\/1.1 200 /)])

    receiver.renewTls({ ...server, clientCa: createAuthority().ca })
    const refused = await openSecure(receiver, { ...options, session }).then(exchange, () => '')
    expect(refused).toBe('')
  },
)

test('a foreign Host or Origin is refused over TLS as well', async () => {
  const receiver = await startReceiver({ kind: 'ok' }, { tls: server })
  const options = { ca: authority.ca, servername: 'localhost' }
  const headers = { 'content-type': 'application/json', 'content-length': 2 }
  const as = (more: OutgoingHttpHeaders) => send(receiver, { ...options, headers: { ...headers, ...more } })
  expect(await as({ host: 'evil.example' })).toBe(403)
  expect(await as({ origin: 'https://evil.example' })).toBe(403)
  expect(await as({ origin: `https://127.0.0.1:${receiver.port}` })).toBe(200)
})

async function openSecure({ port }: Running, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, ...options })
  await once(socket, 'secureConnect')
  return socket
}

/** What the other side says to a request, to its end; '' when it says nothing. */
async function exchange(socket: TLSSocket): Promise<string> {
  let text = ''
  socket.on('data', (data) => {
    text += data
  })
  socket.on('error', () => {})
  socket.write(
    'POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}',
  )
  await new Promise((resolve) => socket.on('close', resolve))
  return text
}
