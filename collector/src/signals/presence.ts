import type { Batch } from '../batch.ts'
import type { Reading } from '../signal.ts'

/** Which services there are. */
export type Presence = {
  saw(batch: Batch, arrivedMs: number): void
  /** For how long each has been silent, in s; what happened before this process listened does not count. */
  silence(by: readonly string[], atMs: number): readonly Reading[]
  /** When each service was last heard of, ms since 1970. */
  lastMs(): Readonly<Record<string, number>>
  /** As an earlier process knew it. */
  restore(lastMs: Readonly<Record<string, number>>): void
  /** Our clock was set back by so much: what has passed has passed. */
  setBack(byMs: number): void
  /** Nobody can have been heard of for so long before `nowMs`: it counts for no silence. */
  pause(forMs: number, nowMs: number): void
  forget(nowMs: number): void
}

/** A service that has been silent for longer was meant to go. */
const SILENT_MS_MAX = 86_400_000

/** A collector serves a few; names that are made up anew must not fill the memory. */
const SERVICES_MAX = 1_000

/** `sinceMs`: since when all that is told comes here, ms since 1970. */
export function createPresence(sinceMs: () => number): Presence {
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
    silence(by, atMs) {
      const silences = [...heard].map(([service, lastMs]) => ({
        labels: { service },
        value: Math.max(0, atMs - Math.max(lastMs, sinceMs())) / 1_000,
      }))
      if (by.length > 0 || silences.length === 0) return silences
      return [{ labels: {}, value: Math.max(...silences.map(({ value }) => value)) }]
    },
    setBack(byMs) {
      for (const [service, lastMs] of heard) heard.set(service, lastMs - byMs)
    },
    pause(forMs, nowMs) {
      for (const [service, lastMs] of heard) heard.set(service, Math.min(nowMs, lastMs + forMs))
    },
    lastMs: () => Object.fromEntries(heard),
    forget(nowMs) {
      for (const [service, lastMs] of heard) if (nowMs - Math.max(lastMs, sinceMs()) > SILENT_MS_MAX) heard.delete(service)
    },
    restore(lastMs) {
      // A time that is still to come was noted before our clock was set back.
      for (const [service, atMs] of Object.entries(lastMs)) note(service, Math.min(atMs, sinceMs()))
    },
  }
}
