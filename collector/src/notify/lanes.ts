import type { Send } from '../../../src/wire/outcome.ts'
import type { Delivery, DeliveryResult } from '../delivery.ts'
import type { Notification } from '../notification.ts'
import { createLane, type Lane, type LaneOptions } from './lane.ts'

export type LanesOptions = Omit<LaneOptions, 'send'> & {
  /** The channel of this name, now. */
  readonly channel: (name: string) => Send<Notification> | undefined
}

/** What became of the deliveries of one channel since the start. */
export type LaneStats = {
  readonly waiting: number
  readonly delivered: number
  readonly dead: number
  /** Attempts that failed and were not the last. */
  readonly retries: number
}

/** A lane for each channel. */
export type Lanes = {
  push(deliveries: readonly Delivery[]): void
  /** All lanes deliver from now on, those too that come later. */
  run(stopping: AbortSignal, cut: AbortSignal): void
  /** Resolves when those that ran have stopped. */
  stopped(): Promise<void>
  stats(): ReadonlyMap<string, LaneStats>
}

/** Some kB each. A channel with more in front of it is gone, and nobody reads what it would get. */
const WAITING_MAX = 10_000

type OpenLane = { readonly lane: Lane; readonly counts: { delivered: number; dead: number; retries: number } }

/** Keeps the channels apart: what waits for one never waits for another. */
export function createLanes({ channel, ...options }: LanesOptions): Lanes {
  const open = new Map<string, OpenLane>()
  const running: Promise<void>[] = []
  let signals: { readonly stopping: AbortSignal; readonly cut: AbortSignal } | undefined

  function laneOf(name: string): OpenLane {
    const known = open.get(name)
    if (known !== undefined) return known
    const counts = { delivered: 0, dead: 0, retries: 0 }
    const lane = createLane({
      ...options,
      send: () => channel(name),
      onRetry(delivery, error) {
        counts.retries++
        options.onRetry(delivery, error)
      },
      onEnd(delivery, result) {
        counts[result.kind]++
        options.onEnd(delivery, result)
      },
    })
    const made = { lane, counts }
    open.set(name, made)
    if (signals !== undefined) running.push(lane.run(signals.stopping, signals.cut))
    return made
  }

  function refuse(delivery: Delivery, counts: OpenLane['counts']): void {
    const error = `${WAITING_MAX} others wait for this channel already`
    const result: DeliveryResult = { kind: 'dead', atMs: options.now(), attempts: delivery.attempts, error }
    counts.dead++
    options.onEnd(delivery, result)
  }

  return {
    push(deliveries) {
      for (const delivery of deliveries) {
        const { lane, counts } = laneOf(delivery.channel)
        if (lane.waiting() < WAITING_MAX) lane.push(delivery)
        else refuse(delivery, counts)
      }
    },
    run(stopping, cut) {
      signals = { stopping, cut }
      for (const { lane } of open.values()) running.push(lane.run(stopping, cut))
    },
    async stopped() {
      await Promise.all(running)
    },
    stats: () => new Map([...open].map(([name, { lane, counts }]) => [name, { waiting: lane.waiting(), ...counts }])),
  }
}
