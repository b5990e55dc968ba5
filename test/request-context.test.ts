import { AsyncResource } from 'node:async_hooks'
import { EventEmitter, on } from 'node:events'
import { Readable } from 'node:stream'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { trace } from '@opentelemetry/api'
import { expect, test } from 'vitest'
import { currentRequest, enterRequest, getRequestId, setUser, withRequest } from '../src/request-context.ts'
import { startTelemetry } from './tts/support.ts'

test('outside a request each id is new', () => {
  expect(currentRequest()).toBeUndefined()
  expect(getRequestId()).toMatch(/^[0-9a-f-]{36}$/)
  expect(getRequestId()).not.toBe(getRequestId())
})

test('inside a request the id is the one given, everywhere', async () => {
  await withRequest({ requestId: 'r-1', userId: 'u-1' }, async () => {
    await sleep(1)
    expect(getRequestId()).toBe('r-1')
    expect(currentRequest()).toEqual({ requestId: 'r-1', userId: 'u-1' })
  })
  expect(currentRequest()).toBeUndefined()
})

test('a hundred requests at once keep their ids across awaits, timers, streams and emitters', async () => {
  const handle = async (id: string) => {
    await nextTurn()
    const fromTimer = await new Promise<string>((resolve) => setTimeout(() => resolve(getRequestId()), Math.random() * 5))
    const fromStream: string[] = []
    for await (const _ of Readable.from(['a', 'b'])) fromStream.push(getRequestId())
    const emitter = new EventEmitter()
    const heard = new Promise<string>((resolve) => emitter.once('ready', () => resolve(getRequestId())))
    queueMicrotask(() => emitter.emit('ready'))
    return [fromTimer, ...fromStream, await heard].every((seen) => seen === id)
  }
  const ids = Array.from({ length: 100 }, (_, index) => `r-${index}`)
  const results = await Promise.all(ids.map((requestId) => withRequest({ requestId }, () => handle(requestId))))
  expect(results.every(Boolean)).toBe(true)
})

test('a request inside a request has the same id unless it is given another, and names a user of its own', () => {
  withRequest({ requestId: 'outer', userId: 'ann' }, () => {
    withRequest({}, () => {
      expect(currentRequest()).toEqual({ requestId: 'outer', userId: 'ann' })
      setUser('bob')
      expect(currentRequest()?.userId).toBe('bob')
    })
    withRequest({ requestId: 'inner' }, () => expect(currentRequest()).toEqual({ requestId: 'inner', userId: 'ann' }))
    expect(currentRequest()).toEqual({ requestId: 'outer', userId: 'ann' })
  })
})

test('a user who is known late is known to everything that follows in the request', async () => {
  await withRequest({ requestId: 'r' }, async () => {
    await (async () => {
      await nextTurn()
      setUser(42)
    })()
    expect(currentRequest()).toEqual({ requestId: 'r', userId: '42' })
  })
})

test('a request that nobody is known to make has no user, and keeps the one it had', () => {
  withRequest({ requestId: 'r' }, () => {
    for (const nobody of [undefined, null, '']) setUser(nobody)
    expect(currentRequest()).toEqual({ requestId: 'r' })
    setUser(0)
    setUser(undefined)
    expect(currentRequest()).toEqual({ requestId: 'r', userId: '0' })
  })
})

test('setUser outside a request does nothing and does not throw', () => {
  setUser('nobody')
  expect(currentRequest()).toBeUndefined()
})

test('setUser sets user_id on the active span', () => {
  const telemetry = startTelemetry()
  trace.getTracer('test').startActiveSpan('request', (span) => {
    setUser(7)
    span.end()
  })
  telemetry.stop()
  expect(telemetry.spans()[0]?.attributes).toEqual({ user_id: '7' })
})

test('enterRequest holds for the rest of one event and what it starts, not for its neighbours', async () => {
  const emitter = new EventEmitter()
  const seen: string[] = []
  emitter.on('request', (requestId: string) => {
    enterRequest({ requestId })
    setTimeout(() => seen.push(getRequestId()), 1)
  })
  for (const id of ['a', 'b', 'c']) setImmediate(() => emitter.emit('request', id))
  await expect.poll(() => seen).toEqual(['a', 'b', 'c'])
  expect(currentRequest()).toBeUndefined()
})

test('what fn throws or returns comes through', async () => {
  expect(withRequest({}, () => 5)).toBe(5)
  const error = new Error('mine')
  expect(() =>
    withRequest({}, () => {
      throw error
    }),
  ).toThrow(error)
  await expect(withRequest({}, () => Promise.reject(error))).rejects.toBe(error)
})

test('a listener bound by Node keeps its request, whoever fires it', () => {
  const shared = new EventEmitter()
  const seen: string[] = []
  for (const requestId of ['a', 'b'])
    withRequest({ requestId }, () =>
      shared.once(
        'done',
        AsyncResource.bind(() => seen.push(getRequestId())),
      ),
    )
  withRequest({ requestId: 'other' }, () => shared.emit('done'))
  expect(seen).toEqual(['a', 'b'])
})

test('events.on keeps the request of the loop that reads it', async () => {
  const emitter = new EventEmitter()
  const seen = await withRequest({ requestId: 'reader' }, async () => {
    setImmediate(() => emitter.emit('message', 1))
    for await (const _ of on(emitter, 'message')) return getRequestId()
  })
  expect(seen).toBe('reader')
})
