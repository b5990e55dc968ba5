/** The examples, on the package as it is built. */
import { metricsSummary } from 'tts-otel'
import { expect, test } from 'vitest'
import { createQueue } from '../../examples/queues/array.ts'
import { createWork, observeJobs } from '../../examples/queues/bullmq.ts'

test('an array tells how many wait, and what fails does not block the others', async () => {
  const turns: (() => void)[] = []
  const queue = createQueue(async ({ text }) => {
    await new Promise<void>((resolve) => turns.push(resolve))
    if (text === 'broken') throw new Error('no voice')
    return Buffer.from(text)
  })
  const results = ['a', 'broken', 'c'].map((text) => queue.speak({ text }))
  expect(metricsSummary().queue_length).toBe(2)
  for (const waiting of [1, 0, 0]) {
    await expect.poll(() => turns.length).toBe(1)
    turns.shift()?.()
    await expect.poll(() => metricsSummary().queue_length).toBe(waiting)
  }
  expect(await Promise.allSettled(results)).toMatchObject([{ status: 'fulfilled' }, { status: 'rejected' }, { status: 'fulfilled' }])
  queue.close()
})

test('BullMQ tells how many wait, and its worker counts what it has done', async () => {
  const stop = observeJobs({ getWaitingCount: async () => 12 })
  await expect.poll(() => metricsSummary().queue_length).toBe(12)
  stop()
  const work = createWork(async ({ text }) => {
    if (text === 'broken') throw new Error('no voice')
  })
  const timestamp = Date.now() - 3_000
  await work({ id: '1', timestamp, data: { text: 'good' } })
  await expect(work({ id: '2', timestamp, data: { text: 'broken' } })).rejects.toThrow('no voice')
  expect(metricsSummary()).toMatchObject({ total_requests: 2, failed_requests: 1, error_rate: 0.5 })
  expect(metricsSummary().avg_request_duration).toBeGreaterThan(2.9)
})
