import type { KeptRecord, RecordTable } from '../record.ts'
import { keepAside, openJournal, readJournal } from './journal.ts'
import { createMirror, type Mirror } from './mirror.ts'
import { isStillOwner, ownFile, standDown, type Takeover, type TakeoverOptions, takeOver, wasOwner } from './ownership.ts'
import { createRecords } from './records.ts'
import { createVault, type Vault } from './vault.ts'

export type OpenVaultOptions = TakeoverOptions & {
  readonly file: string
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
 * Rejects when the database does not answer, and without a database when the file cannot be written.
 */
export async function openVault({ file, onFault, ...options }: OpenVaultOptions, table?: RecordTable): Promise<OpenVault> {
  const records = createRecords(readWhole(file, onFault))
  const takeover = table && (await takeOver(records, table, options))
  ownFile(records, options.id)
  const journal = openJournal(file, records.list, table && ((cause) => onFault(fault('cannot be written', file, cause))))
  const vault = createVault({ records, journal, onFault })
  let mirror: Mirror | undefined

  function mirrorTo(beside: RecordTable, { changes, mayWrite, expired }: Takeover): void {
    if (expired > 0)
      onFault(new Error(`another collector has decided since: notifications that this one had not delivered are given up (${expired})`))
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
      mirrorTo(beside, await takeOver(records, beside, options))
      return true
    },
    async catchUp() {
      await mirror?.catchUp()
    },
    behind: () => mirror?.behind(),
    isLost: () => mirror?.isLost() ?? false,
  }
}

/** What can be read of `file`, which is kept when that is not all of it. */
function readWhole(file: string, onFault: (error: Error) => void): readonly KeptRecord[] {
  const broken: number[] = []
  const records = readJournal(file, (line) => void broken.push(line))
  if (broken.length === 0) return records
  try {
    onFault(
      new Error(
        `the file ${file} is broken in ${broken.length} of its lines, first in line ${broken[0]}: what they held is forgotten. It is kept as ${keepAside(file)}`,
      ),
    )
  } catch (error) {
    onFault(fault(`is broken, first in line ${broken[0]}, and cannot be kept`, file, error))
  }
  return records
}

function fault(what: string, file: string, cause: unknown): Error {
  return new Error(`the file ${file} ${what}: ${cause instanceof Error ? cause.message : cause}`, { cause })
}

/** Notes in `file`, which no vault may have open, that another collector evaluates now. Rejects when it cannot be written. */
export async function leaveVault({ file, onFault }: Pick<OpenVaultOptions, 'file' | 'onFault'>): Promise<void> {
  const records = createRecords(readWhole(file, onFault))
  standDown(records)
  await openJournal(file, records.list).close()
}

/** Whether `file` was written by a collector that was the one to evaluate, and no other has been seen to do so since. */
export function hasEvaluated(file: string): boolean {
  return wasOwner(createRecords(readJournal(file)))
}
