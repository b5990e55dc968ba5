import { type Delivery, type DeliveryResult, toLogEntry } from '../delivery.ts'
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
  /** Deliveries of its own that were given up: what they tell of, another collector has gone on with since. */
  readonly expired: number
}

export type TakeoverOptions = {
  /** Of this collector, for those that share the database. */
  readonly id: string
  /** ms since 1970. */
  readonly now: () => number
  /** How old a delivery may be that only the file of this collector knows, when another one has decided since. */
  readonly orphanMsMax: number
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
 * since; otherwise those of the database do, and of its own remains what waits for delivery, is not known there and is not too old to be news.
 */
export async function takeOver(records: Records, table: RecordTable, { id, now, orphanMsMax }: TakeoverOptions): Promise<Takeover> {
  const rows = await table.load()
  const [theirs, mine] = [ownerIn(rows), records.get(OWNER.kind, OWNER.key)]
  const isOurs = mine !== undefined && (theirs === undefined || theirs === mine)
  const expired = isOurs || theirs === undefined ? 0 : replace(records, rows, { nowMs: now(), orphanMsMax })
  const owner = isOurs ? mine : JSON.stringify({ id, epoch: epochOf(theirs) + 1 } satisfies Owner)
  records.apply([
    { ...FORMER, text: undefined },
    { ...OWNER, text: owner },
  ])
  return { changes: difference(records, rows), mayWrite: (found) => found === theirs || found === owner, expired }
}

type Age = { readonly nowMs: number; readonly orphanMsMax: number }

/** Returns how many deliveries were given up for their age. */
function replace(records: Records, rows: readonly KeptRecord[], { nowMs, orphanMsMax }: Age): number {
  const known = new Set(rows.filter(({ kind }) => kind === PENDING || kind === DONE).map(({ key }) => key))
  const orphans = [...records.all(PENDING)].filter(([key]) => !known.has(key)).map(([, text]): Delivery => JSON.parse(text)) // written here
  const { fresh = [], old = [] } = Object.groupBy(orphans, ({ createdMs }) => (nowMs - createdMs > orphanMsMax ? 'old' : 'fresh'))
  records.apply(records.list().map(({ kind, key }) => ({ kind, key, text: undefined })))
  records.apply(rows)
  records.apply(fresh.map((delivery) => ({ kind: PENDING, key: delivery.id, text: JSON.stringify(delivery) })))
  records.apply(
    old.map((delivery) => ({ kind: DONE, key: delivery.id, text: JSON.stringify(toLogEntry(delivery, givenUp(delivery, nowMs))) })),
  )
  return old.length
}

function givenUp({ attempts }: Delivery, atMs: number): DeliveryResult {
  return { kind: 'dead', atMs, attempts, error: 'another collector has decided since it was made' }
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
