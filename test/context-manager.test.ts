import { EventEmitter } from 'node:events'
import { context, createContextKey, ROOT_CONTEXT } from '@opentelemetry/api'
import { afterAll, expect, test } from 'vitest'
import { createContextManager } from '../src/context-manager.ts'
import { currentRequest, withRequest } from '../src/request-context.ts'

const KEY = createContextKey('test')
context.setGlobalContextManager(createContextManager())
afterAll(() => context.disable())

/** Where code runs: its request, and what the context holds. */
const where = () => [currentRequest()?.requestId, context.active().getValue(KEY)]

/** What `make` returns, made in a request and a context of their own. */
function within<T>(requestId: string, make: () => T): T {
  return context.with(ROOT_CONTEXT.setValue(KEY, `context of ${requestId}`), () => withRequest({ requestId }, make))
}

test('a bound function runs in the request that bound it, whoever calls it', () => {
  const bound = within('r-1', () =>
    context.bind(context.active(), function (this: unknown, a: number, b: number) {
      return [this, a + b, ...where()]
    }),
  )
  const self = {}
  expect(bound.length).toBe(2)
  expect(bound.call(self, 1, 2)).toEqual([self, 3, 'r-1', 'context of r-1'])
  expect(within('r-2', () => bound.call(self, 1, 2))).toEqual([self, 3, 'r-1', 'context of r-1'])
  expect(where()).toEqual([undefined, undefined])
})

test('a function that no request binds keeps the one it is called in', () => {
  const bound = context.bind(ROOT_CONTEXT.setValue(KEY, 'mine'), where)
  expect(within('r-2', bound)).toEqual(['r-2', 'mine'])
})

test('listeners of a bound emitter run in the request that bound it, whoever adds or fires them, and can be taken off', () => {
  const emitter = new EventEmitter()
  const heard: unknown[] = []
  const listener = () => heard.push(where())
  within('r-1', () => {
    context.bind(context.active(), emitter)
    emitter.on('a', listener)
    emitter.once('a', () => heard.push(where()))
  })
  within('r-2', () => emitter.on('b', listener))

  within('r-3', () => emitter.emit('a'))
  emitter.emit('b')
  expect(heard).toEqual(Array.from({ length: 3 }, () => ['r-1', 'context of r-1']))

  emitter.off('a', listener).off('b', listener)
  expect([emitter.emit('a'), emitter.emit('b')]).toEqual([false, false])
})

test('what a bound emitter starts may be another request', () => {
  const emitter = new EventEmitter()
  let seen: unknown[] = []
  within('r-1', () => context.bind(context.active(), emitter))
  emitter.on('job', () =>
    withRequest({ requestId: 'job' }, () => context.with(context.active().setValue(KEY, 'job'), () => (seen = where()))),
  )
  emitter.emit('job')
  expect(seen).toEqual(['job', 'job'])
})

test('what is neither is left as it is', () => {
  const plain = { a: 1 }
  expect(within('r-1', () => context.bind(context.active(), plain))).toBe(plain)
})
