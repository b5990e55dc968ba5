import { expect, test } from 'vitest'
import type { Outcome } from '../../src/wire/outcome.ts'
import { type RetryOptions, withRetry } from '../../src/wire/retry.ts'

const error = new Error('503')
const never = new AbortController().signal

function retrying(answers: readonly Outcome[], options: Partial<RetryOptions> = {}) {
  const waits: number[] = []
  let call = 0
  const send = withRetry<string>(async () => answers[Math.min(call++, answers.length - 1)]!, {
    firstDelayMs: 1_000,
    delayMsMax: 4_000,
    random: () => 1,
    sleep: async (ms) => void waits.push(ms),
    ...options,
  })
  return { send, waits, calls: () => call }
}

test('a collector that says Retry-After: 5 is left alone for five seconds', async () => {
  const { send, waits } = retrying([{ kind: 'retry', afterMs: 5_000, error }, { kind: 'ok' }], { random: () => 0 })
  expect(await send('batch', never)).toEqual({ kind: 'ok' })
  expect(waits).toEqual([5_000])
})

test('the waits double up to their limit, and are spread by half', async () => {
  const retry = { kind: 'retry', error } as const
  const { send, waits } = retrying([retry, retry, retry, retry, { kind: 'ok' }])
  await send('batch', never)
  expect(waits).toEqual([1_000, 2_000, 4_000, 4_000])

  const spread = retrying([retry, retry, { kind: 'ok' }], { random: () => 0 })
  await spread.send('batch', never)
  expect(spread.waits).toEqual([500, 1_000])
})

test('what the target gives up is not tried again', async () => {
  const drop = { kind: 'drop', reason: 'poison', error } as const
  const { send, calls } = retrying([drop])
  expect(await send('batch', never)).toEqual(drop)
  expect(calls()).toBe(1)
})

test('an abort during the wait ends it, with the last outcome and without another attempt', async () => {
  const stop = new AbortController()
  const { send, calls } = retrying([{ kind: 'retry', error }], { sleep: async () => stop.abort() })
  expect(await send('batch', stop.signal)).toEqual({ kind: 'retry', error })
  expect(calls()).toBe(1)
})
