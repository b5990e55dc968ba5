/** The part of the contract that is about connections: bodies in pieces, streams, clients that leave, many requests at once. */
import { randomUUID } from 'node:crypto'
import { Agent, request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { attribute } from '../support/otlp-receiver.ts'
import { SEKRET } from './support/failures.ts'
import { ask, eventually, type Framework, type Service } from './support/service.ts'

export function describeConnections(framework: Framework, service: () => Service): void {
  const logsOf = (id: string) => service().logsOf(id)
  const withId = (id: string) => ({ 'x-request-id': id })
  const newIds = (count: number) => Array.from({ length: count }, () => randomUUID())

  test('the request id is the same across awaits, timers, streams and event emitters', async () => {
    const { headers, body } = await ask(service().port, { path: '/context' })
    expect(new Set(JSON.parse(body))).toEqual(new Set([headers['x-request-id']]))
  })

  test('two hundred requests at once never see the id of another', async () => {
    const ids = newIds(200)
    const paths = ['/context', '/user/ann', '/ok', '/fail/rate']
    const answers = await Promise.all(ids.map((id, index) => ask(service().port, { path: paths[index % 4]!, headers: withId(id) })))
    for (const [index, { headers, body }] of answers.entries()) {
      expect(headers['x-request-id']).toBe(ids[index])
      if (index % 4 === 0) expect(new Set(JSON.parse(body))).toEqual(new Set([ids[index]]))
      if (index % 4 === 2) expect(JSON.parse(body)).toEqual({ id: ids[index] })
      if (index % 4 === 3) expect(JSON.parse(body).request_id).toBe(ids[index])
    }
    const due = (index: number) => (index % 4 === 1 || index % 4 === 3 ? 2 : 1)
    for (const [index, id] of ids.entries()) await eventually(() => logsOf(id)).toHaveLength(due(index))
  })

  test('a user who is known after a while is on every later record and on the span', async () => {
    const [id = ''] = newIds(1)
    await ask(service().port, { path: '/user/ann', headers: withId(id) })
    await eventually(() => logsOf(id)).toHaveLength(2)
    expect(logsOf(id).map(({ message, user_id }) => [message, user_id])).toEqual([
      ['signed in', 'ann'],
      ['HTTP Request', 'ann'],
    ])
    if (service().isRegistered) {
      await eventually(() => service().spanOf(id)).toBeDefined()
      expect(attribute(service().spanOf(id), 'user_id')).toBe('ann')
    }
  })

  test('a body in pieces on a connection that is kept alive belongs to its own request', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const post = (id: string) =>
      new Promise<string[]>((resolve, reject) => {
        const headers = { ...withId(id), 'content-type': 'application/octet-stream' }
        const request = httpRequest(
          { host: '127.0.0.1', port: service().port, method: 'POST', path: '/raw', headers, agent },
          (response) => {
            let text = ''
            response.setEncoding('utf8').on('data', (part) => (text += part))
            response.on('end', () => resolve(JSON.parse(text)))
          },
        )
        request.on('error', reject)
        const send = async () => {
          for (const piece of ['a', 'b', 'c']) {
            request.write(piece)
            await sleep(10)
          }
          request.end()
        }
        void send()
      })
    for (const id of newIds(3)) expect(new Set(await post(id))).toEqual(new Set([id]))
    agent.destroy()
  })

  test('pipelined requests have their own ids, and one record each', async () => {
    const ids = newIds(3)
    const socket = connect(service().port, '127.0.0.1')
    let text = ''
    socket.setEncoding('utf8').on('data', (part) => (text += part))
    socket.write(ids.map((id) => `GET /context HTTP/1.1\r\nHost: a\r\nX-Request-Id: ${id}\r\n\r\n`).join(''))
    for (const id of ids) await eventually(() => logsOf(id)).toHaveLength(1)
    socket.destroy()
    const echoed = [...text.matchAll(/^x-request-id: (.+)\r$/gim)].map(([, id]) => id)
    expect(echoed).toEqual(ids)
    const bodies = [...text.matchAll(/\[("[^\]]+)\]/g)].map(([body]) => new Set(JSON.parse(body)))
    expect(bodies).toEqual(ids.map((id) => new Set([id])))
  })

  test('a stream is logged when it has ended', async () => {
    const [id = ''] = newIds(1)
    const { body, headers, isComplete } = await ask(service().port, { path: '/stream', headers: withId(id) })
    expect({ body, isComplete, type: headers['content-type'] }).toMatchObject({
      body: 'one two three',
      isComplete: true,
      type: 'audio/wav',
    })
    await eventually(() => logsOf(id)).toHaveLength(1)
    expect(logsOf(id)[0]).toMatchObject({ level: 'INFO', message: 'HTTP Request', status_code: 200, route: '/stream' })
    expect(logsOf(id)[0]!.duration).toBeGreaterThan(0.01)
  })

  test.each(['/stream/broken', '/stream/broken-web'])(
    '%s ends the connection, is logged once, and tells the client nothing',
    async (path) => {
      const [id = ''] = newIds(1)
      const { body, isComplete, headers } = await ask(service().port, { path, headers: withId(id) })
      expect({ isComplete, id: headers['x-request-id'] }).toEqual({ isComplete: false, id })
      expect(body).not.toContain(SEKRET)
      await eventually(() => logsOf(id)).toHaveLength(2)
      expect(logsOf(id)[0]).toMatchObject({ level: 'CRITICAL', message: `Unexpected error: the voice broke: ${SEKRET}` })
      expect(logsOf(id)[1]).toMatchObject({ level: 'ERROR', message: expect.stringMatching(/^HTTP 200 in /), ended: 'broken' })
      if (service().isRegistered) {
        await eventually(() => service().spanOf(id)).toBeDefined()
        expect(service().spanOf(id)).toMatchObject({ status: { code: 2 } })
        expect(attribute(service().spanOf(id), 'error.type')).toBe('Error')
        expect(
          service()
            .spanOf(id)!
            .events?.map(({ name }) => name),
        ).toEqual(['exception'])
      }
    },
  )

  test('a client that goes away is no failure of the service', async () => {
    const [id = ''] = newIds(1)
    const socket = connect(service().port, '127.0.0.1')
    socket.write(`GET /endless HTTP/1.1\r\nHost: a\r\nX-Request-Id: ${id}\r\n\r\n`)
    await sleep(50)
    socket.destroy()
    await eventually(() => logsOf(id)).toHaveLength(1)
    await sleep(50)
    expect(logsOf(id)).toHaveLength(1)
    expect(logsOf(id)[0]).toMatchObject({
      level: 'WARNING',
      message: expect.stringMatching(/^HTTP 499 in /),
      status_code: 499,
      ended: 'aborted',
    })
    if (service().isRegistered) {
      await eventually(() => service().spanOf(id)).toBeDefined()
      expect(service().spanOf(id)!.status?.code ?? 0).toBe(0)
      expect(attribute(service().spanOf(id), 'error.type')).toBe('aborted')
      expect(service().spanOf(id)!.events ?? []).toEqual([])
    }
  })

  test('a client that goes away in the middle of its own body is no failure either', async () => {
    const [id = ''] = newIds(1)
    const socket = connect(service().port, '127.0.0.1')
    socket.write(
      `POST /echo HTTP/1.1\r\nHost: a\r\nX-Request-Id: ${id}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"a":`,
    )
    await sleep(50)
    socket.destroy()
    await eventually(() => logsOf(id)).toHaveLength(1)
    await sleep(50)
    expect(logsOf(id)).toMatchObject([{ level: 'WARNING', status_code: 499, ended: 'aborted' }])
  })

  test.each(['/stream', '/stream/web'])('a client that goes away in the middle of %s is no failure either', async (path) => {
    const [id = ''] = newIds(1)
    const socket = connect(service().port, '127.0.0.1')
    socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nX-Request-Id: ${id}\r\n\r\n`)
    await new Promise((resolve) => socket.once('data', resolve))
    socket.destroy()
    await eventually(() => logsOf(id)).toHaveLength(1)
    await sleep(50)
    expect(logsOf(id)).toHaveLength(1)
    expect(logsOf(id)[0]).toMatchObject({ level: 'INFO', status_code: 200, ended: 'aborted' })
  })

  test.each(['/livez', '/readyz', '/health'])('%s is answered, and leaves neither log nor span', async (path) => {
    const [id = ''] = newIds(1)
    const { status, headers, body } = await ask(service().port, { path, headers: withId(id) })
    expect(status).toBe(200)
    expect(JSON.parse(body)).toHaveProperty('status')
    expect(headers).toMatchObject({ 'x-request-id': id, 'cache-control': 'no-store' })
    const [next = ''] = newIds(1)
    await ask(service().port, { path: '/ok', headers: withId(next) })
    await eventually(() => logsOf(next)).toHaveLength(1)
    expect(logsOf(id)).toEqual([])
    if (service().isRegistered) {
      await eventually(() => service().spanOf(next)).toBeDefined()
      expect(service().spanOf(id)).toBeUndefined()
    }
  })

  test('the client of a trusted proxy is the last address that is none of ours', async () => {
    const [id = ''] = newIds(1)
    const headers = { ...withId(id), 'x-forwarded-for': '6.6.6.6, 203.0.113.9, 127.9.9.9', 'user-agent': 'check/1' }
    await ask(service().port, { path: '/ok', headers })
    await eventually(() => logsOf(id)).toHaveLength(1)
    expect(logsOf(id)[0]).toMatchObject({ ip_address: '203.0.113.9', user_agent: 'check/1' })
    if (service().isRegistered) {
      await eventually(() => service().spanOf(id)).toBeDefined()
      expect(attribute(service().spanOf(id), 'client.address')).toBe('203.0.113.9')
    }
  })

  test('application/problem+json for those who ask for it', async () => {
    const [id = ''] = newIds(1)
    const headers = { ...withId(id), accept: 'text/html;q=0.1, Application/Problem+JSON' }
    const { status, headers: answered, body } = await ask(service().port, { path: '/fail/rate', headers })
    expect({ status, type: answered['content-type'] }).toEqual({ status: 429, type: 'application/problem+json; charset=utf-8' })
    expect(JSON.parse(body)).toEqual({
      type: 'about:blank',
      title: 'Too Many Requests',
      status: 429,
      detail: 'Too many requests',
      instance: '/fail/rate',
      error: 'RATE_LIMIT_EXCEEDED',
      timestamp: expect.any(Number),
      path: '/fail/rate',
      method: 'GET',
      details: { retry_after: 60 },
      request_id: id,
    })
  })

  test('an unexpected error and its log record have the same error_id; the record has the stack and the causes', async () => {
    const [id = ''] = newIds(1)
    const { body } = await ask(service().port, { path: '/fail/plain', headers: withId(id) })
    await eventually(() => logsOf(id)).toHaveLength(2)
    const record = logsOf(id)[0]!
    expect(record).toMatchObject({
      error_id: JSON.parse(body).error_id,
      error_code: 'INTERNAL_SERVER_ERROR',
      'exception.type': 'TypeError',
    })
    expect(record['exception.stacktrace']).toMatch(/TypeError: SELECT.+failures\.ts.+Caused by: Error: connect ECONNREFUSED/s)
  })

  test('a refused request counts once as a failure of authentication', async () => {
    if (!service().isRegistered) return
    const total = () => service().sum('tts.auth.failures') ?? 0
    await eventually(total).toBeGreaterThan(0)
    await sleep(300)
    const before = total()
    await Promise.all([ask(service().port, { path: '/fail/authentication' }), ask(service().port, { path: '/http/401' })])
    await eventually(total).toBe(before + 2)
    await eventually(() => service().sum('tts.active_connections')).toBe(0)
  })

  test('a route that was there before the middleware', async () => {
    const [id = ''] = newIds(1)
    const { status, headers } = await ask(service().port, { path: '/before', headers: withId(id) })
    expect(status).toBe(200)
    // In Express what comes first is done first: such a route is not ours to see.
    expect(headers['x-request-id']).toBe(framework.startsWith('express') ? undefined : id)
  })
}
