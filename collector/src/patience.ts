import { createHash } from 'node:crypto'
import type { Batch } from './batch.ts'

/** Attempts that a batch has. A sender's waits grow to half a minute, so they span minutes, in which a passing fault has passed. */
const FAILURES_MAX = 10

/** Failing batches that are remembered, the newest; each is some 200 bytes. More than this at once is no matter of a batch. */
const BATCHES_MAX = 1_000

/** Tells, for each failure of a batch, whether it was the last one to wait for: the tenth in the same words. */
export type Patience = { readonly isOver: (batch: Batch, error: Error) => boolean }

export function createPatience(): Patience {
  const failures = new Map<string, number>()
  return {
    isOver(batch, error) {
      const key = keyOf(batch, error)
      const count = (failures.get(key) ?? 0) + 1
      failures.delete(key)
      if (count >= FAILURES_MAX) return true
      failures.set(key, count)
      const [oldest] = failures.keys()
      if (failures.size > BATCHES_MAX && oldest !== undefined) failures.delete(oldest)
      return false
    },
  }
}

/** The same for a batch that is sent again, and for the same fault only. */
function keyOf(batch: Batch, error: Error): string {
  const hash = createHash('sha256').update(`${batch.signal} ${error.message}`)
  if (batch.signal === 'logs') for (const { uid } of batch.records) hash.update(uid)
  if (batch.signal === 'traces') for (const { traceId, spanId } of batch.records) hash.update(traceId + spanId)
  if (batch.signal === 'metrics') for (const { name, timeUs } of batch.records) hash.update(`${name} ${timeUs} `)
  return hash.digest('base64')
}
