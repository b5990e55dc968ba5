import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Chunk } from '../../src/wire/signal.ts'
import { openSpool, type Spool, type SpoolOptions } from '../../src/wire/spool.ts'
import { idOf, SPOOL_DEFAULTS } from './spool-chunks.ts'

/** An empty directory that goes with the test. */
export function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'spool-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

export function openTestSpool(options: Partial<SpoolOptions> & { readonly dir: string }): Spool {
  const spool = openSpool({ ...SPOOL_DEFAULTS, ...options })
  onTestFinished(() => spool.closeSync())
  return spool
}

/** Appends and lets go, as a queue does. */
export async function put(spool: Spool, ...chunks: readonly Chunk[]): Promise<void> {
  const results = await Promise.all(chunks.map((chunk) => spool.append(chunk)))
  for (const result of results) if (result.kind === 'stored') spool.release(result.entry)
}

/** Takes and acknowledges all that waits; the ids in the order in which they came. */
export async function takeAll(spool: Spool): Promise<string[]> {
  const ids: string[] = []
  for (let waiting = await spool.next(); waiting !== undefined; waiting = await spool.next()) {
    ids.push(idOf(waiting.chunk))
    spool.ack(waiting.entry)
  }
  return ids
}
