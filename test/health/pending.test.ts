import { expect, test } from 'vitest'
import { createPending } from '../../src/health/pending.ts'

function open() {
  const started: PromiseWithResolvers<string>[] = []
  const disposed: string[] = []
  const clock = { ms: 0 }
  const wait = createPending<string>({
    start: () => {
      started.push(Promise.withResolvers<string>())
      return started.at(-1)!.promise
    },
    dispose: (value) => disposed.push(value),
    now: () => clock.ms,
  })
  const giveUp = () => wait(AbortSignal.abort(new Error('gave up'))).catch((error: Error) => error.message)
  return { started, disposed, clock, wait, giveUp }
}

const patient = new AbortController().signal

test('who asks again after giving up waits for the same operation', async () => {
  const { started, disposed, wait, giveUp } = open()
  expect(await giveUp()).toBe('gave up')
  const second = wait(patient)
  started[0]!.resolve('late')
  expect(await second).toBe('late')
  expect([started.length, disposed]).toEqual([1, []])
})

test('a result that nobody waits for is disposed of, and the next asker starts anew', async () => {
  const { started, disposed, wait, giveUp } = open()
  await giveUp()
  started[0]!.resolve('late')
  await expect.poll(() => disposed).toEqual(['late'])
  const second = wait(patient)
  started[1]!.reject(new Error('refused'))
  await expect(second).rejects.toThrow('refused')
})

test('two who ask at once do not take each other the result', async () => {
  const { started, wait } = open()
  const both = [wait(patient), wait(patient)]
  started[0]!.resolve('first')
  started[1]!.resolve('second')
  expect(await Promise.all(both)).toEqual(['first', 'second'])
})

test('an operation without an answer for two minutes is taken for lost; three are the most', async () => {
  const { started, disposed, clock, giveUp } = open()
  await giveUp()
  clock.ms = 120_000
  await giveUp()
  expect(started).toHaveLength(1)
  for (const minutes of [3, 6, 9, 12]) {
    clock.ms = minutes * 60_000
    await giveUp()
  }
  expect(started).toHaveLength(3)
  started[0]!.resolve('found again')
  await expect.poll(() => disposed).toEqual(['found again'])
  clock.ms += 180_000
  await giveUp()
  expect(started).toHaveLength(4)
})

test('an operation that throws at once is a failure like any other', async () => {
  const wait = createPending<never>({
    start: () => {
      throw new Error('closed')
    },
    dispose: () => {},
  })
  for (let times = 0; times < 2; times++) await expect(wait(patient)).rejects.toThrow('closed')
})
