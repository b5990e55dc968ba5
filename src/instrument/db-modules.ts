import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import module, { createRequire } from 'node:module'
import type { Guard } from './guard.ts'

/** One CommonJS file of a package, and who requires it. */
export type WatchedFile = {
  /** As it is required: `./client`, `pg-pool`. */
  readonly id: string
  /** File that requires it; without, any. */
  readonly from?: RegExp
  /** The file itself, for copies that are loaded already. */
  readonly file: RegExp
  /** Given its exports, before whoever requires it goes on; more than once. */
  readonly onLoad: (exports: unknown) => void
}

const REQUIRED = 'tracing:module.require:end'

/**
 * Hears of single files of CommonJS packages being loaded, every copy of them, and touches nothing of the module graph.
 *
 *     require('pg') ─┐
 *     import 'pg' ───┴─► pg/lib/index.js ── require('./client') ──► Node's channel `module.require` ──► onLoad(Client)
 *
 * A package that is CommonJS inside requires its own files however it was loaded itself: no hook for `import` is needed.
 * What was loaded before us is found in the cache.
 *
 * @returns stops listening; what was loaded stays as it is.
 */
export function watchFiles(files: readonly WatchedFile[], guard: Guard): () => void {
  const byId = new Map(files.map((file) => [file.id, file]))

  function load(file: WatchedFile, exports: unknown): void {
    if (exports !== undefined) guard.run(() => file.onLoad(exports))
  }

  function onRequired(message: unknown): void {
    // https://nodejs.org/api/diagnostics_channel.html#modules
    const { id, parentFilename, result } = message as { id: string; parentFilename?: string; result?: unknown }
    const file = byId.get(id)
    if (file && (file.from === undefined || file.from.test(parentFilename ?? ''))) load(file, result)
  }

  subscribe(REQUIRED, onRequired)
  for (const [filename, loaded] of Object.entries(loadedModules()))
    for (const file of files) if (file.file.test(filename)) load(file, loaded?.exports)
  return () => {
    unsubscribe(REQUIRED, onRequired)
  }
}

/** `require.cache`. Its other name is not documented, but making a `require` for it would take 1.5 ms of every start. */
function loadedModules(): NodeJS.Dict<NodeJS.Module> {
  return Reflect.get(module, '_cache') ?? createRequire(import.meta.url).cache
}
