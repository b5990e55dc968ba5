import { expect, test, vi } from 'vitest'
import { createQueue, type QueueOptions } from '../../src/delivery/queue.ts'

function queueOf(options: Partial<QueueOptions<string>> = {}) {
  const onReady = vi.fn()
  const limits = { queueItemsMax: 100, queueBytesMax: 1_000, batchItemsMax: 10, batchBytesMax: 500, delayMs: 60_000 }
  const queue = createQueue<string>({ ...limits, estimateBytes: (item) => item.length, onReady, ...options })
  return { queue, onReady }
}

test('a batch is ready when it is full, not before', () => {
  const { queue, onReady } = queueOf({ batchItemsMax: 3 })
  for (const item of ['a', 'b']) queue.push(item)
  expect(queue.take()).toBeUndefined()
  expect(onReady).not.toHaveBeenCalled()
  queue.push('c')
  queue.push('d')
  expect(onReady).toHaveBeenCalled()
  expect(queue.take()).toEqual(['a', 'b', 'c'])
  expect(queue.take()).toBeUndefined()
  expect(queue.items()).toEqual(['d'])
})

test('what is left behind a full batch goes out by its age', async () => {
  const { queue, onReady } = queueOf({ batchItemsMax: 3, delayMs: 20 })
  for (const item of ['a', 'b', 'c', 'd']) queue.push(item)
  queue.take()
  onReady.mockClear()
  await expect.poll(() => onReady.mock.calls.length).toBeGreaterThan(0)
  expect(queue.take()).toEqual(['d'])
})

test('a full queue refuses by number and by bytes, and takes again when there is room', () => {
  const byNumber = queueOf({ queueItemsMax: 2 }).queue
  expect(['a', 'b', 'c'].map(byNumber.push)).toEqual([true, true, false])
  byNumber.flush()
  byNumber.take()
  expect(byNumber.push('c')).toBe(true)

  const byBytes = queueOf({ queueBytesMax: 10 }).queue
  expect(['xxxxxx', 'yyyyyy', 'zz'].map(byBytes.push)).toEqual([true, false, true])
})

test('an item larger than the whole queue passes when it is alone', () => {
  const { queue } = queueOf({ queueBytesMax: 10 })
  const huge = 'x'.repeat(50)
  expect([huge, 'y'].map(queue.push)).toEqual([true, false])
})

test('a batch is cut by bytes as well', () => {
  const { queue } = queueOf({ batchBytesMax: 10 })
  for (const item of ['xxxx', 'yyyy', 'zzzz']) queue.push(item)
  queue.flush()
  expect([queue.take(), queue.take(), queue.take()]).toEqual([['xxxx', 'yyyy'], ['zzzz'], undefined])
})

test('a flush makes everything ready that is there, and nothing that comes later', () => {
  const { queue } = queueOf({ batchItemsMax: 3 })
  for (const item of ['a', 'b', 'c', 'd']) queue.push(item)
  queue.flush()
  expect([queue.take(), queue.take()]).toEqual([['a', 'b', 'c'], ['d']])
  queue.push('e')
  expect(queue.take()).toBeUndefined()
})

test('what comes while nobody takes, and fills more than a batch, still goes out by its age', async () => {
  const { queue, onReady } = queueOf({ batchItemsMax: 2, delayMs: 10 })
  queue.push('a')
  await expect.poll(() => onReady.mock.calls.length).toBe(1)
  for (const item of ['b', 'c']) queue.push(item)
  expect(queue.take()).toEqual(['a', 'b'])
  await expect.poll(() => queue.take()).toEqual(['c'])
})
