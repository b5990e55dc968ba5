import { randomBytes } from 'node:crypto'
import { mkdirSync, renameSync, rmdirSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { mkdir, rename, rmdir, stat, unlink, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { directoryName, findOrphans, freeName, heartbeatName, type Orphan } from './spool-claim.ts'
import { formatOwner, type Owner, thisOwner } from './spool-owner.ts'

/** The directories that this process owns. Nothing is made on disk before it is needed. */
export type Home = {
  readonly root: string
  /** Of the destination; 16 hex digits. */
  readonly fingerprint: string
  readonly me: Owner
  /** A directory of ours is not there any more: a neighbour held us for dead, or somebody removed it. */
  readonly onLost: (dir: string) => void
  readonly dirs: Set<string>
  /** The one to write in. */
  own: string | undefined
  /** Directories named so far. */
  count: number
}

export function createHome({ root, fingerprint, onLost }: Pick<Home, 'root' | 'fingerprint' | 'onLost'>): Home {
  return { root, fingerprint, onLost, me: thisOwner(randomBytes(4).toString('hex')), dirs: new Set(), own: undefined, count: 0 }
}

/** The directory to write in, made when there is none. Rejects when it cannot be made. */
export async function ownDirectory(home: Home): Promise<string> {
  if (home.own !== undefined) {
    if (await isThere(home.own)) return home.own
    lose(home, home.own)
  }
  await touch(home)
  const dir = nextPath(home)
  await mkdir(dir, { mode: 0o700 })
  home.dirs.add(dir)
  home.own = dir
  return dir
}

/** As {@link ownDirectory}, at once. Throws when it cannot be made. */
export function ownDirectorySync(home: Home): string {
  if (home.own !== undefined) {
    if (statSync(home.own, { throwIfNoEntry: false }) !== undefined) return home.own
    lose(home, home.own)
  }
  attempt(() => writeFileSync(heartbeatPath(home), '.', { mode: 0o600 }))
  const dir = nextPath(home)
  mkdirSync(dir, { mode: 0o700 })
  home.dirs.add(dir)
  home.own = dir
  return dir
}

function lose(home: Home, dir: string): void {
  home.dirs.delete(dir)
  if (home.own === dir) home.own = undefined
  home.onLost(dir)
}

/** Gives a sign of life, looks whether our directories are still there, and removes those of others that are empty by now. Never rejects. */
export async function keepHome(home: Home, isEmpty: (dir: string) => boolean): Promise<void> {
  if (home.dirs.size > 0) await touch(home)
  for (const dir of [...home.dirs]) {
    if (!(await isThere(dir))) lose(home, dir)
    else if (dir !== home.own && isEmpty(dir) && (await succeeds(rmdir(dir)))) home.dirs.delete(dir)
  }
}

/** The file system's time; undefined when it does not take the sign. A byte is written because a set time would be this host's, not the file system's. */
async function touch(home: Home): Promise<number | undefined> {
  const path = heartbeatPath(home)
  try {
    // In place, so that it works on a full disk as well.
    await writeFile(path, '.', { flag: 'r+' }).catch(() => writeFile(path, '.', { mode: 0o600 }))
    return (await stat(path)).mtimeMs
  } catch {
    return undefined
  }
}

/** Lists what can be claimed. Rejects when the spool cannot be read. */
export function listOrphans(home: Home, ageMsMax: number): Promise<readonly Orphan[]> {
  const { root, fingerprint, me } = home
  let touched: Promise<number | undefined> | undefined
  const beat = () => {
    touched ??= touch(home)
    return touched
  }
  return findOrphans({ root, fingerprint, me, ageMsMax, beat })
}

/** Makes an orphan ours and says where it is now; undefined when another was faster. */
export async function claimOrphan(home: Home, { path, fingerprint, heartbeat }: Orphan): Promise<string | undefined> {
  // Who sees our name on a directory must find our heartbeat.
  if (home.dirs.size === 0) await touch(home)
  const dir = nextPath(home, fingerprint)
  if (!(await succeeds(rename(path, dir)))) return undefined
  home.dirs.add(dir)
  if (heartbeat !== undefined) await succeeds(unlink(heartbeat))
  return dir
}

/** Removes what is empty and leaves the rest for anyone to claim at once. Never throws. */
export function leaveHome(home: Home, isEmpty: (dir: string) => boolean): void {
  for (const dir of home.dirs) {
    const free = freeName(basename(dir).slice(0, home.fingerprint.length), randomBytes(4).toString('hex'))
    attempt(() => (isEmpty(dir) ? rmdirSync(dir) : renameSync(dir, join(home.root, free))))
  }
  home.dirs.clear()
  home.own = undefined
  attempt(() => unlinkSync(heartbeatPath(home)))
}

function nextPath(home: Home, fingerprint = home.fingerprint): string {
  return join(home.root, directoryName(fingerprint, home.me, home.count++))
}

function heartbeatPath({ root, me }: Home): string {
  return join(root, heartbeatName(formatOwner(me)))
}

/** Whether a directory still has the name that we gave it. Never rejects. */
export function isThere(dir: string): Promise<boolean> {
  return stat(dir).then(
    () => true,
    // Any other failure says nothing about who has it.
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  )
}

function succeeds(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  )
}

function attempt(work: () => void): void {
  try {
    work()
  } catch {
    // What stays behind is claimed or removed by the next start.
  }
}
