import type { Outcome, Send } from '../../../src/wire/outcome.ts'
import { asError } from '../as-error.ts'
import { createBell } from '../bell.ts'
import type { Delivery, DeliveryResult } from '../delivery.ts'
import type { Notification } from '../notification.ts'

/** Waits, or returns early when `signal` aborts; never rejects. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>

export type LaneOptions = {
  /** Asked at each attempt, since channels may be replaced; undefined where none has this name. */
  readonly send: () => Send<Notification> | undefined
  readonly now: () => number
  /** In [0, 1). */
  readonly random: () => number
  readonly sleep: Sleep
  /** An attempt has failed and there will be another; `delivery` says when. */
  readonly onRetry: (delivery: Delivery, error: Error) => void
  readonly onEnd: (delivery: Delivery, result: DeliveryResult) => void
}

/** What waits for one channel. */
export type Lane = {
  /** In the order of their groups; one that waits already is not taken twice. */
  push(delivery: Delivery): void
  /** Delivers until `stopping` aborts; resolves when the attempts under way are over, which `cut` ends early. */
  run(stopping: AbortSignal, cut: AbortSignal): Promise<void>
  waiting(): number
}

/** For this long a delivery is tried; an alert that comes later is noise. It counts anew when the process starts, since nobody tried before. */
export const PATIENCE_MS = 15 * 60_000
const FIRST_DELAY_MS = 1_000
/** A channel that is back is found within it. */
const DELAY_MS_MAX = 60_000
/** Attempts of one channel at once, each of another group: one that hangs does not hold up the rest, and no receiver is flooded. */
const ATTEMPTS_AT_ONCE = 4
/** Longest rest, so that a clock that was set forward is noticed. */
const REST_MS_MAX = 60_000

/** Nothing before `untilMs`. Chosen at `sinceMs`: a clock that shows less was set back, and then the wait is over. */
type Wait = { readonly untilMs: number; readonly sinceMs: number }

/** `patientFromMs`: since when it is tried. */
type Waiting = { readonly delivery: Delivery; readonly sinceMs: number; readonly patientFromMs: number }

/**
 * Delivers to one channel: the deliveries of a group one after the other, the next only when the one before it has ended;
 * several groups at once. A `Retry-After` holds the whole channel, a failure of another kind its group only.
 */
export function createLane({ send, now, random, sleep, onRetry, onEnd }: LaneOptions): Lane {
  const bell = createBell()
  const queue = new Map<string, Waiting>()
  const busyGroups = new Set<string>()
  let clockMs = now()
  let startedMs = clockMs
  let pause: Wait = { untilMs: 0, sinceMs: 0 }

  /** The time; of a clock that was set back, what has passed by the old one has passed. */
  function look(): number {
    const nowMs = now()
    const byMs = clockMs - nowMs
    clockMs = nowMs
    if (byMs <= 0) return nowMs
    startedMs -= byMs
    for (const [id, waiting] of queue) queue.set(id, { ...waiting, patientFromMs: waiting.patientFromMs - byMs })
    return nowMs
  }

  async function attempt(delivery: Delivery, cut: AbortSignal): Promise<void> {
    const outcome = await attemptOnce(send(), delivery.notification, cut)
    // Whether it arrived is not known; the next process tries it again under the same id.
    if (outcome.kind === 'retry' && cut.aborted) return
    const tried = { ...delivery, attempts: delivery.attempts + 1 }
    if (outcome.kind === 'retry') return putOff(tried, outcome)
    queue.delete(delivery.id)
    onEnd(tried, toResult(outcome, tried.attempts, now()))
  }

  function putOff(delivery: Delivery, { error, afterMs = 0 }: Extract<Outcome, { kind: 'retry' }>): void {
    const sinceMs = look()
    const patientFromMs = queue.get(delivery.id)?.patientFromMs ?? startedMs
    if (afterMs > 0) pause = { untilMs: sinceMs + afterMs, sinceMs }
    const nextAttemptMs = nextAttempt(delivery, { nowMs: sinceMs, patientFromMs, afterMs, random: random() })
    if (nextAttemptMs !== undefined) {
      const later = { ...delivery, nextAttemptMs }
      queue.set(later.id, { delivery: later, sinceMs, patientFromMs })
      onRetry(later, error)
    } else {
      queue.delete(delivery.id)
      onEnd(delivery, { kind: 'dead', atMs: sinceMs, attempts: delivery.attempts, error: error.message })
    }
  }

  return {
    waiting: () => queue.size,
    push(delivery) {
      const nowMs = look()
      const patientFromMs = Math.min(nowMs, Math.max(delivery.createdMs, startedMs))
      if (!queue.has(delivery.id)) queue.set(delivery.id, { delivery, sinceMs: nowMs, patientFromMs })
      bell.ring()
    },
    async run(stopping, cut) {
      startedMs = look()
      for (const [id, waiting] of queue) queue.set(id, { ...waiting, patientFromMs: Math.max(waiting.patientFromMs, startedMs) })
      const underWay = new Set<Promise<void>>()
      while (!stopping.aborted) {
        const rung = bell.count()
        const next = underWay.size < ATTEMPTS_AT_ONCE ? pick(queue.values(), { busyGroups, pause, nowMs: look() }) : REST_MS_MAX
        if (typeof next === 'number') {
          const awake = new AbortController()
          const early = AbortSignal.any([stopping, awake.signal])
          await Promise.race([bell.next(rung, early), sleep(next, early)]).finally(() => awake.abort())
          continue
        }
        const { groupKey } = next.notification
        busyGroups.add(groupKey)
        const trying = attempt(next, cut).finally(() => {
          busyGroups.delete(groupKey)
          underWay.delete(trying)
          bell.ring()
        })
        underWay.add(trying)
      }
      await Promise.all(underWay)
    },
  }
}

type PickOptions = { readonly busyGroups: ReadonlySet<string>; readonly pause: Wait; readonly nowMs: number }

/** The next delivery that may be tried, or for how long there is none. Only the first of each group is asked. */
function pick(queue: Iterable<Waiting>, { busyGroups, pause, nowMs }: PickOptions): Delivery | number {
  const seen = new Set(busyGroups)
  const pauseMs = remaining(pause, nowMs)
  let restMs = REST_MS_MAX
  for (const { delivery, sinceMs } of queue) {
    const { groupKey } = delivery.notification
    if (seen.has(groupKey)) continue
    seen.add(groupKey)
    const waitMs = Math.max(pauseMs, remaining({ untilMs: delivery.nextAttemptMs, sinceMs }, nowMs))
    if (waitMs === 0) return delivery
    restMs = Math.min(restMs, waitMs)
  }
  return restMs
}

function remaining({ untilMs, sinceMs }: Wait, nowMs: number): number {
  return nowMs < sinceMs ? 0 : Math.max(0, untilMs - nowMs)
}

type Moment = { readonly nowMs: number; readonly patientFromMs: number; readonly afterMs: number; readonly random: number }

/** When to try again: the last time at the deadline, never sooner than the receiver asked for; undefined when that is too late. */
function nextAttempt({ attempts }: Delivery, { nowMs, patientFromMs, afterMs, random }: Moment): number | undefined {
  const deadlineMs = patientFromMs + PATIENCE_MS
  if (nowMs >= deadlineMs || nowMs + afterMs > deadlineMs) return undefined
  const ownMs = Math.min(FIRST_DELAY_MS * 2 ** (attempts - 1), DELAY_MS_MAX) * (0.5 + random / 2)
  return Math.min(nowMs + Math.max(ownMs, afterMs), deadlineMs)
}

/** Channels never reject and end with their signal; one that does not has a bug, by which neither the alert nor the stop may be lost. */
async function attemptOnce(send: Send<Notification> | undefined, notification: Notification, cut: AbortSignal): Promise<Outcome> {
  if (send === undefined) return { kind: 'drop', reason: 'refused', error: new Error('no channel of this name is configured') }
  const { promise: late, resolve } = Promise.withResolvers<Outcome>()
  const leave = () => void setImmediate(resolve, { kind: 'retry', error: new Error('it was cut off') })
  cut.addEventListener('abort', leave, { once: true })
  try {
    return await Promise.race([send(notification, cut), late])
  } catch (error) {
    return { kind: 'retry', error: asError(error) }
  } finally {
    cut.removeEventListener('abort', leave)
  }
}

function toResult(outcome: Exclude<Outcome, { kind: 'retry' }>, attempts: number, atMs: number): DeliveryResult {
  if (outcome.kind === 'drop') return { kind: 'dead', atMs, attempts, error: outcome.error.message }
  return { kind: 'delivered', atMs, attempts, ...(outcome.rejected && { error: outcome.rejected.message }) }
}
