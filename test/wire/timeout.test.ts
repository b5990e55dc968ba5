import { expect, test } from 'vitest'
import type { Outcome, Send } from '../../src/wire/outcome.ts'
import { withTimeout } from '../../src/wire/timeout.ts'

const never = new AbortController().signal

test('an answer in time passes through', async () => {
  const send = withTimeout<string>(async () => ({ kind: 'ok' }), 1_000)
  expect(await send('batch', never)).toEqual({ kind: 'ok' })
})

test('a target that never answers and does not listen is left behind', async () => {
  const send = withTimeout<string>(() => new Promise<Outcome>(() => undefined), 20)
  const outcome = await send('batch', never)
  expect(outcome).toMatchObject({ kind: 'retry', error: { message: 'no answer within 20 ms' } })
})

const listening: Send<string> = (item, signal) =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve({ kind: 'retry', error: new Error(`${item}: ${signal.reason.message}`) }))
  })

test('a target that listens is told why, and its own words win', async () => {
  expect(await withTimeout(listening, 20)('batch', never)).toMatchObject({ error: { message: 'batch: no answer within 20 ms' } })
})

test("the caller's abort reaches the target at once, even one that came before", async () => {
  const stop = new AbortController()
  const pending = withTimeout(listening, 60_000)('batch', stop.signal)
  stop.abort(new Error('the process is ending'))
  expect(await pending).toMatchObject({ error: { message: 'batch: the process is ending' } })

  const seen: boolean[] = []
  const late = withTimeout<string>(async (_, signal) => {
    seen.push(signal.aborted)
    return { kind: 'ok' }
  }, 60_000)
  await late('batch', stop.signal)
  expect(seen).toEqual([true])
})
