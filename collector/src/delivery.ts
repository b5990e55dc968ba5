import type { AlertSeverity, Notification, NotificationReason } from './notification.ts'

/** A notification on its way to one channel. Times are ms since 1970. */
export type Delivery = {
  /** {@link deliveryIdOf}. */
  readonly id: string
  /** Name of the channel. */
  readonly channel: string
  readonly notification: Notification
  /** Attempts that have failed so far. */
  readonly attempts: number
  /** Not tried again before. */
  readonly nextAttemptMs: number
  readonly createdMs: number
}

/** A notification goes to a channel once. */
export function deliveryIdOf(notificationId: string, channel: string): string {
  return `${notificationId}/${channel}`
}

/** How a delivery ended. */
export type DeliveryResult = {
  /** `dead` is given up: refused for good, or out of time. */
  readonly kind: 'delivered' | 'dead'
  readonly atMs: number
  /** The last one included. */
  readonly attempts: number
  /** What went wrong last, or what a delivered one has lost (a recipient); for people, without secrets. */
  readonly error?: string
}

/** A line of the delivery log. */
export type DeliveryLogEntry = DeliveryResult & {
  readonly id: string
  readonly channel: string
  readonly notificationId: string
  readonly groupKey: string
  readonly rule: string
  readonly severity: AlertSeverity
  readonly status: Notification['status']
  readonly reason: NotificationReason
  readonly test: boolean
  readonly createdMs: number
}

/** Finished deliveries that a store remembers at least; some 400 bytes each. Older ones may be gone, from the log and from what {@link DeliveryStore.add} knows. */
export const DELIVERY_LOG_ENTRIES = 1_000

/**
 * Where deliveries are kept, so that a restart loses and doubles none. Each promise resolves when the change is durable and
 * rejects when it is not known to be; every call may be made again. Calls overlap, but never two of the same kind, nor
 * `update` and `finish`.
 */
export type DeliveryStore = {
  /** All that are not finished, in the order in which they were added. */
  pending(): Promise<readonly Delivery[]>
  /** Adds them all or none. Resolves with those that are new: one whose id is pending or in the log is left as it is. */
  add(deliveries: readonly Delivery[]): Promise<readonly Delivery[]>
  /** Replaces the pending delivery of the same id, in its place; nothing when there is none. */
  update(delivery: Delivery): Promise<void>
  /** Ends it and writes it to the log, once. */
  finish(delivery: Delivery, result: DeliveryResult): Promise<void>
  /** Newest first, at most `limit`. */
  log(limit: number): Promise<readonly DeliveryLogEntry[]>
}

/** What the log keeps of a delivery. */
export function toLogEntry({ id, channel, notification, createdMs }: Delivery, result: DeliveryResult): DeliveryLogEntry {
  const { id: notificationId, groupKey, rule, severity, status, reason, test } = notification
  return { id, channel, notificationId, groupKey, rule, severity, status, reason, test, createdMs, ...result }
}
