/** What every store of deliveries promises the outbox. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DELIVERY_LOG_ENTRIES, type Delivery, type DeliveryStore } from '../../../collector/src/delivery.ts'
import { alert, notification, START_MS } from './notifications.ts'

export type DeliveryStoreSubject = {
  readonly store: DeliveryStore
  /** The same deliveries as another process would find them, after this one was killed; undefined where they are not meant to last. */
  readonly reopen?: () => Promise<DeliveryStore>
  readonly close?: () => Promise<void>
}

let made = 0

function delivery(changes: Partial<Delivery> = {}): Delivery {
  const told = changes.notification ?? notification({ id: `told-${++made}` })
  const channel = changes.channel ?? 'webhook'
  return { id: `${told.id}/${channel}`, channel, notification: told, attempts: 0, nextAttemptMs: START_MS, createdMs: START_MS, ...changes }
}

const delivered = { kind: 'delivered', atMs: START_MS + 1, attempts: 1 } as const

/** Runs the contract on the store that `open` gives, a new and empty one for each test. */
export function deliveryStoreContract(name: string, open: () => Promise<DeliveryStoreSubject>): void {
  describe(`the deliveries of ${name}`, () => {
    let subject: DeliveryStoreSubject
    let store: DeliveryStore
    beforeEach(async () => {
      subject = await open()
      store = subject.store
    })
    afterEach(async () => {
      await subject.close?.()
    })

    /** The store itself, and what is there after a restart. */
    async function views(): Promise<readonly DeliveryStore[]> {
      return subject.reopen === undefined ? [store] : [store, await subject.reopen()]
    }

    test('an empty store has nothing to do and nothing to tell', async () => {
      expect(await store.pending()).toEqual([])
      expect(await store.log(10)).toEqual([])
      expect(await store.add([])).toEqual([])
    })

    test('what was added is pending, whole and in order, also after a restart', async () => {
      const odd = notification({
        id: 'n/ü "{}"',
        groupKey: 'Fehler ☎{a="b\\n"}',
        channels: ['slack', 'e/mail'],
        alerts: [alert(), alert({ status: 'resolved', endsAtMs: START_MS + 5, value: null, annotations: {} })],
        metrics: { error_rate: 0.1, rtf_p95: null },
      })
      const deliveries = [delivery(), delivery({ notification: odd, channel: 'slack' }), delivery({ notification: odd, channel: 'e/mail' })]
      expect((await store.add(deliveries.slice(0, 2))).map(({ id }) => id)).toEqual(deliveries.slice(0, 2).map(({ id }) => id))
      await store.add(deliveries.slice(2))
      for (const view of await views()) expect(await view.pending()).toEqual(deliveries)
    })

    test('order is that of adding, not of ids or times', async () => {
      const names = ['z', 'b', 'y', 'a', 'x']
      const deliveries = names.map((id, i) => delivery({ notification: notification({ id }), createdMs: START_MS - i * 1_000 }))
      for (const each of deliveries) await store.add([each])
      for (const view of await views()) expect((await view.pending()).map((each) => each.notification.id)).toEqual(names)
    })

    test('adding again changes nothing, and only what is new is given back', async () => {
      const [first, second] = [delivery(), delivery()]
      await store.add([first])
      const later = { ...first, attempts: 3 }
      await store.update(later)
      expect(await store.add([first, second])).toEqual([second])
      for (const view of await views()) expect(await view.pending()).toEqual([later, second])
    })

    test('what is finished does not come back: not after a restart, not when it is added again', async () => {
      const [first, second] = [delivery(), delivery()]
      await store.add([first, second])
      await store.finish(first, delivered)
      for (const view of await views()) {
        expect(await view.add([first])).toEqual([])
        expect(await view.pending()).toEqual([second])
      }
    })

    test('an update keeps its place; of what is finished or unknown it makes nothing', async () => {
      const [first, second, third] = [delivery(), delivery(), delivery()]
      await store.add([first, second])
      const updated = { ...first, attempts: 2, nextAttemptMs: START_MS + 4_000 }
      await store.update(updated)
      await store.update(third)
      for (const view of await views()) expect(await view.pending()).toEqual([updated, second])
      await store.finish(second, delivered)
      await store.update({ ...second, attempts: 9 })
      for (const view of await views()) expect(await view.pending()).toEqual([updated])
    })

    test('the log tells the newest first, each once, with what went wrong', async () => {
      const [first, second, third] = [delivery(), delivery({ channel: 'slack' }), delivery()]
      await store.add([first, second, third])
      await store.finish(first, delivered)
      await store.finish(second, { kind: 'dead', atMs: START_MS + 2, attempts: 20, error: 'hooks.slack.com answered 503' })
      await store.finish(second, { kind: 'delivered', atMs: START_MS + 3, attempts: 21 })
      for (const view of await views()) {
        const log = await view.log(10)
        expect(log.map(({ id }) => id)).toEqual([second.id, first.id])
        expect(log[0]).toEqual({
          id: second.id,
          channel: 'slack',
          notificationId: second.notification.id,
          groupKey: second.notification.groupKey,
          rule: 'High Error Rate',
          severity: 'warning',
          status: 'firing',
          reason: 'first',
          test: false,
          createdMs: START_MS,
          kind: 'dead',
          atMs: START_MS + 2,
          attempts: 20,
          error: 'hooks.slack.com answered 503',
        })
        expect(log[1]).not.toHaveProperty('error')
        expect(await view.log(1)).toEqual(log.slice(0, 1))
      }
    })

    test(`the log has at least the newest ${DELIVERY_LOG_ENTRIES}, and no more than it was asked for`, async () => {
      const many = Array.from({ length: DELIVERY_LOG_ENTRIES + 50 }, () => delivery())
      await store.add(many)
      for (const each of many) await store.finish(each, delivered)
      const newest = many.map(({ id }) => id).toReversed()
      for (const view of await views()) {
        expect(await view.pending()).toEqual([])
        expect((await view.log(DELIVERY_LOG_ENTRIES)).map(({ id }) => id)).toEqual(newest.slice(0, DELIVERY_LOG_ENTRIES))
        expect((await view.log(7)).map(({ id }) => id)).toEqual(newest.slice(0, 7))
      }
    })
  })
}
