import { openPglite } from './pglite.ts'
import { openPool, type Purpose } from './pool.ts'
import type { Database } from './queryable.ts'

export type DatabaseOptions = {
  /** `postgres://…` of a server; without it an embedded PGlite is used. */
  readonly url?: string | undefined
  /** Folder of the embedded database; made when missing. */
  readonly dataDir: string
  /** Of the connections to a server. Default `write`. */
  readonly purpose?: Purpose
}

/**
 * Opens the store. Returns at once: a server is first asked when the first statement comes, PGlite boots (about 4 s the
 * first time) while statements wait.
 *
 * Throws when the folder cannot be used or another process uses it.
 */
export function openDatabase({ url, dataDir, purpose }: DatabaseOptions): Database {
  return url === undefined ? openPglite(dataDir) : openPool(url, purpose)
}
