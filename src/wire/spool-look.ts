import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Signal } from './signal.ts'
import { noItems, scanDirectory } from './spool-segment.ts'

/** As in the name of a directory of the spool, before its owner. */
const FINGERPRINT = /^[0-9a-f]{16}(?=_)/

/** Items that wait in a spool, of all processes that have it; 0 where there is none. Changes nothing, and may be asked while they write. */
export async function countWaiting(root: string): Promise<Readonly<Record<Signal, number>>> {
  const waiting = noItems()
  for (const name of await readdir(root).catch(() => [])) {
    const fingerprint = FINGERPRINT.exec(name)?.[0]
    if (fingerprint === undefined) continue
    for (const { segment } of await scanDirectory(join(root, name), fingerprint))
      for (const signal of ['traces', 'metrics', 'logs'] as const) waiting[signal] += segment.waiting[signal]
  }
  return waiting
}
