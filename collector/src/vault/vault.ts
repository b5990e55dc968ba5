import type { RecordChange } from '../record.ts'
import type { Journal } from './journal.ts'
import type { Mirror } from './mirror.ts'
import type { Records } from './records.ts'

/** What alerts must not forget, in memory to be read and on disk to be kept. */
export type Vault = {
  /** Texts of a kind by key, in the order in which they were written first. */
  all(kind: string): ReadonlyMap<string, string>
  get(kind: string, key: string): string | undefined
  /**
   * Changes what `make` says, which sees all earlier changes. Resolves with its result when the changes are kept, in the
   * file or in the database; rejects, and changes nothing, when neither takes them.
   */
  write<T>(make: () => { readonly changes: readonly RecordChange[]; readonly result: T }): Promise<T>
  /** From now on `mirror` gets what is written as well. */
  mirrorTo(mirror: Mirror): void
  /** Waits for what is being written. */
  close(): Promise<void>
}

export type VaultOptions = {
  readonly records: Records
  readonly journal: Journal
  /** Told of a file or a database that does not take what it should; must not throw. */
  readonly onFault: (error: Error) => void
}

type Waiting = { readonly begin: () => readonly RecordChange[]; readonly end: (error: Error | undefined) => void }

/** Writes go to disk one after the other, and those that have come meanwhile go together. */
export function createVault({ records, journal, onFault }: VaultOptions): Vault {
  let waiting: Waiting[] = []
  let mirror: Mirror | undefined
  let isPumping = false
  let pumped: Promise<void> = Promise.resolve()

  async function pump(): Promise<void> {
    // Whatever is asked for in the same turn goes together.
    await Promise.resolve()
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      const undo: RecordChange[] = []
      const changes = batch.flatMap(({ begin }) => {
        const made = begin()
        undo.unshift(...records.apply(made))
        return made
      })
      const error = changes.length === 0 ? undefined : await persist(changes)
      if (error !== undefined) records.apply(undo)
      for (const { end } of batch) end(error)
    }
    isPumping = false
  }

  async function persist(changes: readonly RecordChange[]): Promise<Error | undefined> {
    const [file, database] = await Promise.allSettled([journal.append(changes), mirror?.write(changes)])
    if (file.status === 'fulfilled') return undefined
    const error = new Error(`what alerts have to remember cannot be written: ${messageOf(file.reason)}`, { cause: file.reason })
    onFault(error)
    return database.status === 'fulfilled' && database.value === true ? undefined : error
  }

  return {
    all: records.all,
    get: records.get,
    write(make) {
      const { promise, resolve, reject } = Promise.withResolvers<ReturnType<typeof make>['result']>()
      let made: ReturnType<typeof make> | undefined
      waiting.push({
        begin() {
          made = make()
          return made.changes
        },
        end(error) {
          if (error === undefined && made !== undefined) resolve(made.result)
          else reject(error)
        },
      })
      if (!isPumping) {
        isPumping = true
        pumped = pump()
      }
      return promise
    },
    mirrorTo(given) {
      mirror = given
    },
    async close() {
      await pumped
      await journal.close()
    },
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
