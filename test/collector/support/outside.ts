import { parseAddressRange } from '../../../collector/src/address-range.ts'
import { createGuard, type GuardOptions } from '../../../collector/src/notify/guard.ts'
import type { Outside } from '../../../collector/src/notify/post.ts'

export type OutsideOptions = Partial<Pick<GuardOptions, 'resolve' | 'ports'>> & {
  /** `127.0.0.0/8` unless told otherwise, since everything here is on loopback. */
  readonly allow?: string
  readonly proxy?: Outside['proxy']
  readonly nowMs?: number
}

/** What a channel of a test needs. */
export function outside({ allow = '127.0.0.0/8', proxy = {}, nowMs, ports = [], ...rest }: OutsideOptions = {}): Outside {
  const ranges = allow.split(',').flatMap((range) => parseAddressRange(range) ?? [])
  return { guard: createGuard({ ranges, ports, ...rest }), proxy, now: () => nowMs ?? Date.now() }
}

/** A signal that never aborts. */
export function untold(): AbortSignal {
  return new AbortController().signal
}
