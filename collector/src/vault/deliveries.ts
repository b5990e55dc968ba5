import { DELIVERY_LOG_ENTRIES, type Delivery, type DeliveryLogEntry, type DeliveryStore, toLogEntry } from '../delivery.ts'
import type { RecordChange } from '../record.ts'
import type { Vault } from './vault.ts'

/** The outbox's deliveries in a vault. */
export type VaultDeliveries = DeliveryStore & {
  /** Keeps `changes` together with the notification `id`, once it is added: both are there after a crash, or neither. */
  together(notificationId: string, changes: readonly RecordChange[]): void
  /** Whether a delivery of this id waits, or is in the log. */
  isKnown(id: string): boolean
}

/** The kind of records of deliveries that have not ended. */
export const PENDING = 'pending'
const DONE = 'done'

/** More than can be on their way at once: what is left over belongs to notifications that were never added. */
const COMPANIONS_MAX = 100

export function vaultDeliveries(vault: Vault): VaultDeliveries {
  const companions = new Map<string, readonly RecordChange[]>()

  function isKnown(id: string): boolean {
    return vault.get(PENDING, id) !== undefined || vault.get(DONE, id) !== undefined
  }

  return {
    isKnown,
    together(notificationId, changes) {
      const [oldest] = companions.keys()
      if (companions.size >= COMPANIONS_MAX && oldest !== undefined) companions.delete(oldest)
      companions.set(notificationId, changes)
    },
    async pending() {
      return [...vault.all(PENDING).values()].map((text): Delivery => JSON.parse(text))
    },
    async add(deliveries) {
      return await vault.write(() => {
        const fresh = deliveries.filter(({ id }) => !isKnown(id))
        const told = [...new Set(deliveries.map(({ notification }) => notification.id))]
        const others = told.flatMap((id) => companions.get(id) ?? [])
        for (const id of told) companions.delete(id)
        return { changes: [...others, ...fresh.map((delivery) => put(PENDING, delivery.id, delivery))], result: fresh }
      })
    },
    async update(delivery) {
      await vault.write(() => ({
        changes: vault.get(PENDING, delivery.id) === undefined ? [] : [put(PENDING, delivery.id, delivery)],
        result: undefined,
      }))
    },
    async finish(delivery, result) {
      await vault.write(() => {
        if (vault.get(PENDING, delivery.id) === undefined) return { changes: [], result: undefined }
        const log = vault.all(DONE)
        const oldest = [...log.keys()].slice(0, Math.max(0, log.size + 1 - DELIVERY_LOG_ENTRIES))
        const gone = [...oldest.map((key) => ({ kind: DONE, key })), { kind: PENDING, key: delivery.id }]
        const changes = [...gone.map((each) => ({ ...each, text: undefined })), put(DONE, delivery.id, toLogEntry(delivery, result))]
        return { changes, result: undefined }
      })
    },
    async log(limit) {
      const texts = [...vault.all(DONE).values()].slice(-Math.max(0, limit) || Number.POSITIVE_INFINITY)
      return (limit <= 0 ? [] : texts).map((text): DeliveryLogEntry => JSON.parse(text)).toReversed()
    },
  }
}

function put(kind: string, key: string, value: unknown): RecordChange {
  return { kind, key, text: JSON.stringify(value) }
}
