import {
  DELIVERY_LOG_ENTRIES,
  type Delivery,
  type DeliveryLogEntry,
  type DeliveryStore,
  toLogEntry,
} from '../../../collector/src/delivery.ts'

/** A store that forgets everything with the process; handed to a second outbox it is what a restart finds. */
export type MemoryDeliveries = DeliveryStore & {
  /** What each call meets while it is set, as with a full disk or a database that is away. */
  fault: Error | undefined
  /** Calls so far, as `add`, `update` or `finish` and the id. */
  readonly calls: string[]
}

export function memoryDeliveries(): MemoryDeliveries {
  const waiting = new Map<string, Delivery>()
  const log = new Map<string, DeliveryLogEntry>()

  const store: MemoryDeliveries = {
    fault: undefined,
    calls: [],
    async pending() {
      check()
      return [...waiting.values()].map(copy)
    },
    async add(deliveries) {
      check()
      const fresh = deliveries.filter(({ id }) => !waiting.has(id) && !log.has(id))
      for (const delivery of fresh) {
        waiting.set(delivery.id, copy(delivery))
        store.calls.push(`add ${delivery.id}`)
      }
      return fresh
    },
    async update(delivery) {
      check()
      store.calls.push(`update ${delivery.id}`)
      if (waiting.has(delivery.id)) waiting.set(delivery.id, copy(delivery))
    },
    async finish(delivery, result) {
      check()
      store.calls.push(`finish ${delivery.id}`)
      if (!waiting.delete(delivery.id)) return
      log.set(delivery.id, toLogEntry(delivery, result))
      const [oldest] = log.keys()
      if (log.size > DELIVERY_LOG_ENTRIES && oldest !== undefined) log.delete(oldest)
    },
    async log(limit) {
      check()
      return [...log.values()].toReversed().slice(0, limit)
    },
  }
  function check(): void {
    if (store.fault !== undefined) throw store.fault
  }
  return store
}

/** As a file would give it back. */
function copy(delivery: Delivery): Delivery {
  return structuredClone(delivery)
}
