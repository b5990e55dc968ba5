import { watchFiles } from './db-modules.ts'
import type { Guard } from './guard.ts'
import { createPgInstrument, type PgInstrument } from './pg.ts'

/**
 * Watches every copy of `pg` that the app loads or has loaded. `pg-native` is left alone.
 *
 * @returns stops watching.
 */
export function instrumentPgModule({ guard }: { readonly guard: Guard }): () => void {
  let instrument: PgInstrument | undefined

  /** Most of it is of use only where there is such a copy. */
  function found(): PgInstrument {
    instrument ??= createPgInstrument(guard)
    return instrument
  }

  const unwatch = watchFiles(
    [
      {
        id: './client',
        from: /[\\/]pg[\\/]lib[\\/]index\.js$/,
        file: /[\\/]pg[\\/]lib[\\/]client\.js$/,
        onLoad: (client) => found().watchClient(client),
      },
      { id: 'pg-pool', file: /[\\/]pg-pool[\\/]index\.js$/, onLoad: (pool) => found().watchPool(pool) },
    ],
    guard,
  )
  return () => {
    unwatch()
    instrument?.stop()
  }
}
