import { readdir, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { formatOwner, isGone, type Owner } from './spool-owner.ts'

/** A directory in the spool whose owner has ended. */
export type Orphan = {
  readonly path: string
  /** Of its destination; 16 hex digits. */
  readonly fingerprint: string
  /** A file that nobody needs once the directory is claimed. */
  readonly heartbeat: string | undefined
  /** It was meant for another destination and nobody who goes there came for it in time: to be dropped, never to be sent. */
  readonly abandoned: boolean
}

export type ClaimOptions = {
  readonly root: string
  /** Of the destination; 16 hex digits. */
  readonly fingerprint: string
  readonly me: Owner
  /** Touches our own heartbeat. Gives its time by the clock of the file system, which all who share it have in common; undefined when that failed. */
  readonly beat: () => Promise<number | undefined>
  readonly ageMsMax: number
}

/** How often a process that has a directory says that it lives. */
export const HEARTBEAT_MS = 5_000

/** Six heartbeats missed. One who is only frozen for that long finds its directory gone and makes a new one. */
export const STALE_MS = 30_000

const DIRECTORY = /^([0-9a-f]{16})_(?:free_[0-9a-f]{8}|(.+)_\d+)$/
const OWNER = /^([A-Za-z0-9.-]+)_([0-9a-f]{8})_(\d+)_(\d+)_([0-9a-f]{8})$/

export function directoryName(fingerprint: string, owner: Owner, count: number): string {
  return `${fingerprint}_${formatOwner(owner)}_${count}`
}

/** The name of a directory that its owner has left in good order: anyone may claim it at once. */
export function freeName(fingerprint: string, random: string): string {
  return `${fingerprint}_free_${random}`
}

export function heartbeatName(owner: string): string {
  return `${owner}.alive`
}

/** Lists what may be claimed by renaming it, and removes heartbeats that nobody needs. Rejects when the directory cannot be read. */
export async function findOrphans(options: ClaimOptions): Promise<readonly Orphan[]> {
  const { root, fingerprint, me, ageMsMax } = options
  const names = await readdir(root)
  const orphanOwners = await findEnded(names, options)
  const orphans: Orphan[] = []
  for (const name of names) {
    const [, theirs, owner] = DIRECTORY.exec(name) ?? []
    if (theirs === undefined || (owner !== undefined && !orphanOwners.has(owner))) continue
    const path = join(root, name)
    const abandoned = theirs !== fingerprint
    if (abandoned && (await idleMs(path, options)) <= ageMsMax) continue
    orphans.push({ path, fingerprint: theirs, heartbeat: owner && join(root, heartbeatName(owner)), abandoned })
  }
  const needed = new Set(names.map((name) => DIRECTORY.exec(name)?.[2]))
  for (const owner of orphanOwners) {
    if (owner !== formatOwner(me) && !needed.has(owner)) await unlink(join(root, heartbeatName(owner))).catch(() => {})
  }
  return orphans
}

/** Owners, as they stand in the names, that are known to be gone or have given no sign of life. */
async function findEnded(names: readonly string[], options: ClaimOptions): Promise<ReadonlySet<string>> {
  const owners = new Set(names.map((name) => DIRECTORY.exec(name)?.[2] ?? /^(.+)\.alive$/.exec(name)?.[1] ?? ''))
  const ended = new Set<string>()
  for (const text of owners) {
    const owner = parseOwner(text)
    if (owner === undefined || owner.random === options.me.random) continue
    if (isGone(owner, options.me)) ended.add(text)
    // A heartbeat from the future is one from before the clock was set back; its owner, if it lives, beats again within seconds.
    else if (Math.abs(await idleMs(join(options.root, heartbeatName(text)), options)) > STALE_MS) ended.add(text)
  }
  return ended
}

function parseOwner(text: string): Owner | undefined {
  const [, host, space, pid, start, random] = OWNER.exec(text) ?? []
  if (host === undefined || space === undefined || random === undefined) return undefined
  return { host, space, pid: Number(pid), start: Number(start), random }
}

/** How long nothing has changed there. What is not there has been idle for ever; without our own heartbeat there is no clock to compare, and all is fresh. */
async function idleMs(path: string, { beat }: ClaimOptions): Promise<number> {
  const nowMs = await beat()
  if (nowMs === undefined) return 0
  return stat(path).then(
    ({ mtimeMs }) => nowMs - mtimeMs,
    () => Number.POSITIVE_INFINITY,
  )
}
