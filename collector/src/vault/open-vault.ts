import type { RecordTable } from '../record.ts'
import { openJournal, readJournal } from './journal.ts'
import { createMirror, type Mirror } from './mirror.ts'
import { isStillOwner, ownFile, takeOver, wasOwner } from './ownership.ts'
import { createRecords } from './records.ts'
import { createVault, type Vault } from './vault.ts'

export type OpenVaultOptions = {
  readonly file: string
  /** Of this collector, for those that share the database. */
  readonly id: string
  readonly onFault: (error: Error) => void
}

/** A vault on a file, and beside it a database, once one is there. */
export type OpenVault = Vault & {
  /** Takes the database beside the file after all, which it was opened without; false when somebody else has written there. Rejects when it does not answer. */
  join(table: RecordTable): Promise<boolean>
  /** Gives the database what it has missed. */
  catchUp(): Promise<void>
  /** Changes that the database does not have; undefined while there is none. */
  behind(): number | undefined
  /** Whether somebody else writes to the database now. */
  isLost(): boolean
}

/**
 * Opens what this collector remembers, or, of a database that somebody else has written since, what that one does.
 * Rejects when the database does not answer or the file cannot be written.
 */
export async function openVault({ file, id, onFault }: OpenVaultOptions, table?: RecordTable): Promise<OpenVault> {
  const records = createRecords(readJournal(file))
  const takeover = table && (await takeOver(records, table, id))
  ownFile(records, id)
  const journal = openJournal(file, records.list)
  const vault = createVault({ records, journal, onFault })
  let mirror: Mirror | undefined

  function mirrorTo(beside: RecordTable, { changes, mayWrite }: Awaited<ReturnType<typeof takeOver>>): void {
    mirror = createMirror({ table: beside, current: vault.get, mayWrite, onFault }, changes)
    vault.mirrorTo(mirror)
  }
  if (table !== undefined && takeover !== undefined) mirrorTo(table, takeover)
  await mirror?.catchUp()

  return {
    ...vault,
    async join(beside) {
      if (mirror !== undefined) return true
      if (!(await isStillOwner(records, beside))) return false
      mirrorTo(beside, await takeOver(records, beside, id))
      return true
    },
    async catchUp() {
      await mirror?.catchUp()
    },
    behind: () => mirror?.behind(),
    isLost: () => mirror?.isLost() ?? false,
  }
}

/** Whether `file` was written by a collector that was the one to evaluate. */
export function hasEvaluated(file: string): boolean {
  return wasOwner(createRecords(readJournal(file)))
}
