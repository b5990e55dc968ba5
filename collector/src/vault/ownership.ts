import type { KeptRecord, RecordChange, RecordTable } from '../record.ts'
import type { Records } from './records.ts'

/** Who writes: a collector, by the id that its file has, and how often that has changed before. */
type Owner = { readonly id: string; readonly epoch: number }

/** Where the account of who writes is kept. */
const OWNER = { kind: 'meta', key: 'owner' } as const

/** There while another collector is known to write since. */
const FORMER = { kind: 'meta', key: 'former' } as const

/** Kinds that are not given up when somebody else's records count: nobody else may know of these. */
const PENDING = 'pending'
const DONE = 'done'

/** How this collector's file and the database were brought together. */
export type Takeover = {
  /** What the database has to be told. */
  readonly changes: readonly RecordChange[]
  readonly mayWrite: (owner: string | undefined) => boolean
}

/** Whether the file was written by a collector that was the one to write, as far as it knows the last one. */
export function wasOwner(records: Records): boolean {
  return records.get(OWNER.kind, OWNER.key) !== undefined && records.get(FORMER.kind, FORMER.key) === undefined
}

/** Another collector writes now: this one is the owner no more. What it knows stays, for when nothing was written after all. */
export function standDown(records: Records): void {
  records.apply([{ ...FORMER, text: 'true' }])
}

/** Whether nobody else has written to the database since this collector did. */
export async function isStillOwner(records: Records, table: RecordTable): Promise<boolean> {
  const theirs = ownerIn(await table.load())
  return theirs === undefined || theirs === records.get(OWNER.kind, OWNER.key)
}

/** Makes the collector `id` the one that writes a file, where there is no database to agree with. */
export function ownFile(records: Records, id: string): void {
  records.apply([{ ...FORMER, text: undefined }])
  if (records.get(OWNER.kind, OWNER.key) === undefined)
    records.apply([{ ...OWNER, text: JSON.stringify({ id, epoch: 0 } satisfies Owner) }])
}

/**
 * Makes the collector `id` the one that writes; it must hold the lock, and `records` is not yet in its file. Its own records count when nobody else has written
 * since; otherwise those of the database do, and of its own remains what waits for delivery and is not known there.
 */
export async function takeOver(records: Records, table: RecordTable, id: string): Promise<Takeover> {
  const rows = await table.load()
  const [theirs, mine] = [ownerIn(rows), records.get(OWNER.kind, OWNER.key)]
  const isOurs = mine !== undefined && (theirs === undefined || theirs === mine)
  if (!isOurs && theirs !== undefined) replace(records, rows)
  const owner = isOurs ? mine : JSON.stringify({ id, epoch: epochOf(theirs) + 1 } satisfies Owner)
  records.apply([
    { ...FORMER, text: undefined },
    { ...OWNER, text: owner },
  ])
  return { changes: difference(records, rows), mayWrite: (found) => found === theirs || found === owner }
}

function replace(records: Records, rows: readonly KeptRecord[]): void {
  const known = new Set(rows.filter(({ kind }) => kind === PENDING || kind === DONE).map(({ key }) => key))
  const orphans = [...records.all(PENDING)].filter(([key]) => !known.has(key))
  records.apply(records.list().map(({ kind, key }) => ({ kind, key, text: undefined })))
  records.apply(rows)
  records.apply(orphans.map(([key, text]) => ({ kind: PENDING, key, text })))
}

function difference(records: Records, rows: readonly KeptRecord[]): readonly RecordChange[] {
  const stored = new Map(rows.map((row) => [`${row.kind} ${row.key}`, row]))
  const changed = records.list().filter(({ kind, key, text }) => stored.get(`${kind} ${key}`)?.text !== text)
  const gone = rows.filter(({ kind, key }) => records.get(kind, key) === undefined)
  return [...gone.map(({ kind, key }) => ({ kind, key, text: undefined })), ...changed]
}

function ownerIn(rows: readonly KeptRecord[]): string | undefined {
  return rows.find(({ kind, key }) => kind === OWNER.kind && key === OWNER.key)?.text
}

function epochOf(text: string | undefined): number {
  return text === undefined ? 0 : (JSON.parse(text) as Owner).epoch // written here
}
