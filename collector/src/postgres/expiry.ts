import type { Partitioned } from './day-partition.ts'
import { deleteOutdated } from './default-partition.ts'
import type { Database } from './queryable.ts'

export type ExpiryOptions = {
  /** Owner of the table. */
  readonly admin: Database
  readonly table: Partitioned
  /** Days that are kept. */
  readonly retentionDays: number
  /** Gets what a person should know. */
  readonly warn: (message: string) => void
  /** Rows that one statement deletes. */
  readonly stepRows: number
}

export type Expiry = {
  /** Removes rows of the default partition that are older than `before` (ISO 8601), and tells how many, also when it fails or `signal` ends it. */
  remove(before: string, signal: AbortSignal): Promise<void>
  /** Rows since we started. */
  removed(): number
}

/** Removes rows that came older than what is kept. Their senders were told that they are stored, so this is said and counted. */
export function createExpiry({ admin, table: { name, time }, retentionDays, warn, stepRows }: ExpiryOptions): Expiry {
  let removed = 0
  return {
    async remove(before, signal) {
      const already = removed
      const onDeleted = (rows: number) => {
        removed += rows
      }
      try {
        await deleteOutdated(admin, { table: `${name}_default`, time, before, stepRows, signal, onDeleted })
      } finally {
        if (removed > already)
          warn(
            `${removed - already} rows of ${name} came older than the ${retentionDays} days that are kept, and are removed. ` +
              'Set the clocks of the senders, or RETENTION_DAYS.',
          )
      }
    },
    removed: () => removed,
  }
}
