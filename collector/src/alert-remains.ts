import { DELIVERY_LOG_ENTRIES, type Delivery } from './delivery.ts'
import type { EraseOptions } from './person.ts'
import type { KeptRecord } from './record.ts'
import { PENDING } from './vault/deliveries.ts'

/**
 * What alerts remember of a person, a sentence each: the collector that decides has it in its own memory and file, so nobody else can
 * remove it. Reports of errors quote log messages, and a rule may tell alerts apart by the user.
 */
export function describeRemains(
  records: readonly KeptRecord[],
  { userId, trail }: Pick<EraseOptions, 'userId' | 'trail'>,
): readonly string[] {
  const quoting = records.filter(({ kind, text }) => kind === PENDING && isAbout(JSON.parse(text), trail)).length
  const id = JSON.stringify(userId)
  // Keys and names of groups are JSON within JSON.
  const written = [id, JSON.stringify(id).slice(1, -1)]
  const naming = records.filter(({ key, text }) => written.some((one) => key.includes(one) || text.includes(one))).length
  return [
    ...(quoting === 0
      ? []
      : [
          `${quoting} notifications of alerts on their way quote these requests: told or given up within 15 minutes, and gone from the collector's alerts/memory.jsonl when it next starts`,
        ]),
    ...(naming === 0
      ? []
      : [
          `${naming} entries in the memory of alerts name the user, because a rule tells alerts apart by it: each goes when its alert has ended, from history and log after ${DELIVERY_LOG_ENTRIES} newer ones`,
        ]),
  ]
}

function isAbout({ notification: { alerts } }: Delivery, { requestIds, traceIds }: EraseOptions['trail']): boolean {
  return alerts.some(({ annotations }) => requestIds.has(annotations.request_id ?? '') || traceIds.has(annotations.trace_id ?? ''))
}
