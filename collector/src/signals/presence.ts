import type { Batch } from '../batch.ts'

/** Which services there are. */
export type Presence = {
  saw(batch: Batch, arrivedMs: number): void
  /** When each service was last heard of, ms since 1970. */
  lastMs(): ReadonlyMap<string, number>
  /** As an earlier process knew it. */
  restore(lastMs: Readonly<Record<string, number>>): void
}

/** A collector serves a few; names that are made up anew must not fill the memory. */
const SERVICES_MAX = 1_000

export function createPresence(): Presence {
  const heard = new Map<string, number>()

  function note(service: string, atMs: number): void {
    if (heard.has(service) || heard.size < SERVICES_MAX) heard.set(service, Math.max(atMs, heard.get(service) ?? 0))
  }

  return {
    saw({ records }, arrivedMs) {
      // Records of one resource stand together and share the object.
      let last: unknown
      for (const { resource } of records) {
        if (resource === last) continue
        last = resource
        note(resource.service, arrivedMs)
      }
    },
    lastMs: () => heard,
    restore(lastMs) {
      for (const [service, atMs] of Object.entries(lastMs)) note(service, atMs)
    },
  }
}
