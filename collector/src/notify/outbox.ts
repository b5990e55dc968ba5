import { setTimeout as sleepFor } from 'node:timers/promises'
import type { Send } from '../../../src/wire/outcome.ts'
import { withTimeout } from '../../../src/wire/timeout.ts'
import {
  DELIVERY_LOG_ENTRIES,
  type Delivery,
  type DeliveryLogEntry,
  type DeliveryResult,
  type DeliveryStore,
  deliveryIdOf,
} from '../delivery.ts'
import type { Notification } from '../notification.ts'
import { createSeldom } from '../seldom.ts'
import type { Sleep } from './lane.ts'
import { createLanes, type LaneStats } from './lanes.ts'
import { createLedger } from './ledger.ts'
import { createOutages } from './outage.ts'

export type Channels = Readonly<Record<string, Send<Notification>>>

export type OutboxOptions = {
  /** By name. */
  readonly channels: Channels
  readonly store: DeliveryStore
  /** ms since 1970. */
  readonly now: () => number
  /** In [0, 1). */
  readonly random: () => number
  readonly sleep?: Sleep
  /** Gets what a person should know; must not throw. */
  readonly warn: (message: string) => void
  /** For one attempt, from the connection to the answer. Default 15,000, the shortest that Standard Webhooks advises. */
  readonly attemptTimeoutMs?: number
}

/** What became of the deliveries of one channel since the start. */
export type ChannelStats = LaneStats & {
  /** It has given up an alert and has taken none since. */
  readonly failing: boolean
}

/** Notifications on their way. */
export type Outbox = {
  /**
   * Resolves when the notifications are stored, each for each of its channels: from then on they are delivered, by this
   * process or the next. Rejects when they may not be. A notification whose id is known is not taken twice.
   */
  accept(notifications: readonly Notification[]): Promise<void>
  /** Begins to deliver, what earlier processes left included. A store that does not answer is waited for. */
  start(): void
  /** Other channels from now on, after their settings were read anew. What waits keeps waiting. */
  use(channels: Channels): void
  /** Ends what is under way, within {@link STOP_MS_MAX}; the rest stays in the store. */
  stop(): Promise<void>
  stats(): Readonly<Record<string, ChannelStats>>
  /** How deliveries ended, the newest first. */
  log(limit: number): Promise<readonly DeliveryLogEntry[]>
}

/** Orchestrators kill after 10 to 30 s, and others have to stop as well. */
export const STOP_MS_MAX = 4_000
const ATTEMPT_TIMEOUT_MS = 15_000
const LOAD_DELAY_MS = 5_000
const NOTHING: LaneStats = { waiting: 0, delivered: 0, dead: 0, retries: 0 }

/**
 * Delivers notifications: each to all of its channels, with one lane for each channel, so that none holds up another.
 *
 * ```
 * accept ──► store ──► lane of the channel ──► channel ──► log
 *              ▲             │ refused, or no luck for 15 minutes
 *              │             ▼
 *              └──── the other channels learn it
 * ```
 * A crash between a channel's answer and its mark in the store sends a notification again, under the same id.
 */
export function createOutbox(options: OutboxOptions): Outbox {
  const { store, now, sleep = rest, attemptTimeoutMs = ATTEMPT_TIMEOUT_MS } = options
  const stopping = new AbortController()
  const cut = new AbortController()
  let channels = timed(options.channels, attemptTimeoutMs)
  let adding: Promise<unknown> = Promise.resolve()
  const traffic = openTraffic({ ...options, sleep, channels: () => channels })
  let loading: Promise<unknown> | undefined
  let ending: Promise<void> | undefined

  async function end(): Promise<void> {
    stopping.abort()
    // First what hangs at a channel ends, then what hangs at the store.
    const cutting = setTimeout(() => cut.abort(new Error('the collector is stopping')), STOP_MS_MAX / 2)
    const late = new AbortController()
    const ended = Promise.all([loading, adding]).then(() => traffic.stop(late.signal))
    await Promise.race([ended, sleepFor(STOP_MS_MAX, undefined, { signal: late.signal }).catch(() => undefined)])
    late.abort()
    clearTimeout(cutting)
    const unwritten = traffic.unwritten()
    if (unwritten > 0)
      options.warn(
        `the outbox of alerts could not be written to its end (changes left: ${unwritten}): some alerts may come again, under the ids that they had`,
      )
  }

  return {
    async accept(notifications) {
      if (stopping.signal.aborted) throw new Error('the outbox has stopped')
      const deliveries = toDeliveries(notifications, now())
      // One after the other, so that the lanes have the order of the store.
      const added = adding.then(async () => traffic.push(await store.add(deliveries)))
      adding = added.catch(() => undefined)
      await added
    },
    start() {
      loading ??= traffic.start(stopping.signal, cut.signal)
    },
    use(replaced) {
      channels = timed(replaced, attemptTimeoutMs)
    },
    stop() {
      ending ??= end()
      return ending
    },
    stats: () => traffic.stats(),
    log: (limit) => store.log(limit),
  }
}

type Traffic = {
  push(deliveries: readonly Delivery[]): void
  start(stopping: AbortSignal, cut: AbortSignal): Promise<void>
  /** Resolves when what was under way has ended and is written, or when `signal` aborts and it was tried. */
  stop(signal: AbortSignal): Promise<void>
  /** Changes that the store has not taken. */
  unwritten(): number
  stats(): Readonly<Record<string, ChannelStats>>
}

type TrafficOptions = Omit<OutboxOptions, 'channels' | 'sleep'> & { readonly channels: () => Channels; readonly sleep: Sleep }

/** What runs between the store and the channels. */
function openTraffic({ store, channels, now, random, sleep, warn }: TrafficOptions): Traffic {
  const tell = createSeldom(warn, now)
  const ledger = createLedger({ sleep, onFault: ({ message }) => tell('store', `the outbox of alerts cannot be written: ${message}`) })
  const lanes = createLanes({ channel: (name) => own(channels(), name), now, random, sleep, onRetry, onEnd })
  let outages = createOutages([])
  /** Accepted before what the store holds was read. */
  let early: readonly Delivery[] | undefined = []

  function onRetry(delivery: Delivery, error: Error): void {
    const { channel, notification } = delivery
    tell(channel, `the channel ${channel} did not take the alert "${notification.rule}" and is tried again: ${error.message}`)
    ledger.may(() => store.update(delivery))
  }

  function onEnd(delivery: Delivery, result: DeliveryResult): void {
    const others = Object.keys(channels()).filter((name) => name !== delivery.channel)
    if (result.kind === 'dead') tell(`${delivery.channel} dead`, describeDead(delivery, result))
    const raised = result.kind === 'dead' ? outages.lost(delivery, result, others) : outages.arrived(delivery.channel, result.atMs, others)
    // First what others have to know: a process that ends in between does both again, and the ids are the same.
    if (raised !== undefined) ledger.must(async () => push(await store.add(toDeliveries([raised], now()))))
    ledger.must(() => store.finish(delivery, result))
  }

  function push(deliveries: readonly Delivery[]): void {
    if (early === undefined) lanes.push(deliveries)
    else early = [...early, ...deliveries]
  }

  return {
    push,
    async start(stopping, cut) {
      const found = await persist(async () => ({ pending: await store.pending(), log: await store.log(DELIVERY_LOG_ENTRIES) }), {
        sleep: () => sleep(LOAD_DELAY_MS, stopping),
        onFault: (message) => tell('store', `the outbox of alerts cannot be read: ${message}`),
        signal: stopping,
      })
      if (found === undefined) return
      outages = createOutages(found.log)
      lanes.push([...found.pending, ...(early ?? [])])
      early = undefined
      lanes.run(stopping, cut)
    },
    async stop(signal) {
      await lanes.stopped()
      await ledger.settle(signal)
    },
    unwritten: ledger.unwritten,
    stats() {
      const [byLane, failing] = [lanes.stats(), outages.current()]
      const names = new Set([...Object.keys(channels()), ...byLane.keys()])
      return Object.fromEntries([...names].map((name) => [name, { ...(byLane.get(name) ?? NOTHING), failing: failing.has(name) }]))
    },
  }
}

function describeDead({ channel, notification }: Delivery, { attempts, error }: DeliveryResult): string {
  const { rule, severity, status } = notification
  return `the alert "${rule}" (${severity}, ${status}) was not delivered to ${channel} and is given up (attempts: ${attempts}): ${error}`
}

/** One for each channel that is named, each once. */
function toDeliveries(notifications: readonly Notification[], createdMs: number): Delivery[] {
  return notifications.flatMap((notification) =>
    [...new Set(notification.channels)].map((channel) => ({
      id: deliveryIdOf(notification.id, channel),
      channel,
      notification,
      attempts: 0,
      nextAttemptMs: createdMs,
      createdMs,
    })),
  )
}

type Persistence = { readonly sleep: () => Promise<void>; readonly onFault: (message: string) => void; readonly signal: AbortSignal }

/** What `read` gives as soon as it gives something; undefined once `signal` aborts. */
async function persist<T>(read: () => Promise<T>, { sleep, onFault, signal }: Persistence): Promise<T | undefined> {
  while (!signal.aborted) {
    try {
      return await read()
    } catch (error) {
      onFault(error instanceof Error ? error.message : String(error))
    }
    await sleep()
  }
  return undefined
}

function timed(channels: Channels, timeoutMs: number): Channels {
  return Object.fromEntries(Object.entries(channels).map(([name, send]) => [name, withTimeout(send, timeoutMs)]))
}

/** A channel of this name, also when an object would have something else under it. */
function own(channels: Channels, name: string): Send<Notification> | undefined {
  return Object.hasOwn(channels, name) ? channels[name] : undefined
}

async function rest(ms: number, signal: AbortSignal): Promise<void> {
  await sleepFor(ms, undefined, { signal, ref: false }).catch(() => undefined)
}
