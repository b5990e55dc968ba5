/** Outages, lost answers, full disks and kills in any order: what arrives, how often, in which order. */
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { DeliveryStore } from '../../../collector/src/delivery.ts'
import type { Notification } from '../../../collector/src/notification.ts'
import { createOutbox } from '../../../collector/src/notify/outbox.ts'
import { seededRandom } from '../../support/random.ts'
import { down, ok } from '../support/channel.ts'
import { createClock } from '../support/clock.ts'
import { memoryDeliveries } from '../support/memory-deliveries.ts'
import { notification, resolved, START_MS } from '../support/notifications.ts'

const CHANNELS = ['slack', 'webhook', 'email']
const GROUPS = 6
const STEPS = 120
const never = <T>() => new Promise<T>(() => {})

type Life = { alive: boolean }

/** As a process sees its store: after its death nothing comes back, and the last call may have been done or not. */
function seenBy(life: Life, store: DeliveryStore): DeliveryStore {
  const guarded =
    <A extends readonly unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      if (!life.alive) return never()
      const result = await call(...args)
      await turn()
      return life.alive ? result : never()
    }
  return {
    pending: guarded(store.pending),
    add: guarded(store.add),
    update: guarded(store.update),
    finish: guarded(store.finish),
    log: guarded(store.log),
  }
}

async function live(seed: number) {
  const random = seededRandom(seed)
  const chance = (share: number) => random() < share
  const clock = createClock(START_MS)
  const store = memoryDeliveries()
  const arrived: Record<string, Notification[]> = { slack: [], webhook: [], email: [] }
  const doubtful = new Set<string>()
  const isDown: Record<string, boolean> = {}
  const accepted: Notification[] = []
  let life: Life = { alive: true }

  const channel = (name: string, own: Life) => async (item: Notification) => {
    await turn()
    if (!own.alive) return never<typeof ok>()
    if (isDown[name]) return down
    arrived[name]!.push(item)
    if (chance(0.1)) {
      doubtful.add(`${item.id}/${name}`)
      return down // taken, and the answer is lost
    }
    await turn()
    return own.alive ? ok : never<typeof ok>()
  }
  function boot() {
    const own: Life = { alive: true }
    life = own
    const channels = Object.fromEntries(CHANNELS.map((name) => [name, channel(name, own)]))
    const outbox = createOutbox({ channels, store: seenBy(own, store), now: clock.now, random, sleep: clock.sleep, warn: () => {} })
    outbox.start()
    return outbox
  }

  let outbox = boot()
  /** As the evaluator does: told again until it is taken. */
  const untold: Notification[] = []
  for (let step = 0; step < STEPS; step++) {
    for (const name of CHANNELS) if (chance(0.15)) isDown[name] = !isDown[name] && chance(0.6)
    store.fault = chance(0.1) ? new Error('disk full') : undefined
    if (chance(0.7)) {
      const groupKey = `group ${Math.floor(random() * GROUPS)}`
      const make = chance(0.5) ? notification : resolved
      untold.push(make({ id: `${seed}-${step}`, groupKey, channels: CHANNELS.filter(() => chance(0.7)) }))
    }
    if (untold.length > 0) {
      const batch = [...untold]
      const taken = outbox.accept(batch).then(
        () => true,
        () => false,
      )
      if (chance(0.1))
        await turn() // and it is killed before it answers
      else if (await taken) accepted.push(...untold.splice(0, batch.length))
    }
    if (chance(0.08)) {
      life.alive = false
      store.fault = undefined
      const marked = new Set((await store.log(10_000)).map(({ id }) => id))
      for (const name of CHANNELS) for (const { id } of arrived[name]!) if (!marked.has(`${id}/${name}`)) doubtful.add(`${id}/${name}`)
      outbox = boot()
    }
    await clock.advance(Math.floor(random() * 20_000))
  }
  for (const name of CHANNELS) isDown[name] = false
  store.fault = undefined
  await outbox.accept(untold)
  accepted.push(...untold)
  await clock.advance(40 * 60_000)
  const [pending, log] = [await store.pending(), await store.log(10_000)]
  await outbox.stop()
  return { accepted, arrived, doubtful, pending, log }
}

test.each(Array.from({ length: 12 }, (_, i) => i + 1))(
  'life %i: nothing lost, nothing out of order, nothing twice without doubt',
  async (seed) => {
    const { accepted, arrived, doubtful, pending, log } = await live(seed)
    expect(pending).toEqual([])
    const dead = new Set(log.flatMap(({ kind, id }) => (kind === 'dead' ? [id] : [])))
    const isOurs = ({ groupKey }: Notification) => groupKey.startsWith('group ')

    for (const name of CHANNELS) {
      const ours = arrived[name]!.filter(isOurs)
      const order = [...new Set(ours.map(({ id }) => id))]
      const due = accepted.filter(({ id, channels }) => channels.includes(name) && !dead.has(`${id}/${name}`))
      for (const groupKey of new Set(due.map((each) => each.groupKey))) {
        const inGroup = (each: Notification) => each.groupKey === groupKey
        const wanted = due.filter(inGroup).map(({ id }) => id)
        expect(order.filter((id) => wanted.includes(id))).toEqual(wanted)
      }
      const counts = Map.groupBy(ours, ({ id }) => id)
      const twice = [...counts].flatMap(([id, copies]) => (copies.length > 1 ? [`${id}/${name}`] : []))
      expect(twice.filter((id) => !doubtful.has(id))).toEqual([])
    }
  },
)
