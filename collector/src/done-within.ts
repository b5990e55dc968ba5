import { setTimeout as sleep } from 'node:timers/promises'

/** Whether `work` is over, well or badly, within the time. It is not ended when it is not. */
export async function isDoneWithin(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const done = work.then(
    () => true,
    () => true,
  )
  const timer = new AbortController()
  const late = sleep(timeoutMs, false, { signal: timer.signal }).catch(() => false)
  return await Promise.race([done, late]).finally(() => timer.abort())
}
