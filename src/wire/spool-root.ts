import { accessSync, chmodSync, constants, existsSync, lstatSync, mkdirSync, readdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/** Makes `dir` (mode 0700) and checks that nobody else can change it. Returns what is wrong with it and what to do, or undefined. Never throws. */
export function checkRoot(dir: string): string | undefined {
  try {
    makeDirectory(resolve(dir))
    return findForeign(resolve(dir)) ?? makePrivate(dir)
  } catch (error) {
    return `it cannot be used (${error instanceof Error ? error.message : error}); choose a directory that this user can write`
  }
}

/** Not `recursive` of Node, which never returns for a path like /proc/x, where making a directory fails as if its parent were missing. */
function makeDirectory(path: string): void {
  if (existsSync(path)) return
  if (!existsSync(dirname(path))) makeDirectory(dirname(path))
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    // A neighbour may have made it meanwhile.
    if (!existsSync(path)) throw error
  }
}

/** In a directory that all may write, such as /tmp, another user can lay a trap under our name: then what we would write could be read or redirected. */
function findForeign(path: string): string | undefined {
  const uid = process.getuid?.()
  const parent = dirname(path)
  if (uid === undefined || parent === path) return undefined
  const { uid: owner } = lstatSync(path)
  const open = (lstatSync(parent).mode & 0o002) !== 0
  if (open && owner !== uid && owner !== 0) return `${path} belongs to another user (uid ${owner}); remove it or choose another directory`
  return findForeign(parent)
}

function makePrivate(dir: string): string | undefined {
  const stat = lstatSync(dir)
  const uid = process.getuid?.()
  if (stat.isSymbolicLink()) return 'it is a symbolic link; name the directory itself'
  if (uid !== undefined && stat.uid !== uid)
    return `it belongs to another user (uid ${stat.uid}); choose a new directory, for example one inside it`
  if (uid !== undefined && (stat.mode & OTHERS) !== 0) {
    const isShared = (stat.mode & STICKY) !== 0 || !readdirSync(dir).every(isOurs)
    if (isShared && (stat.mode & OTHERS_WRITE) !== 0)
      return 'others write there as well; name a directory of its own, for example one inside it'
    // Our directories in it are private anyway: who reads something else in it keeps doing so.
    if (!isShared) chmodSync(dir, 0o700)
  }
  accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK)
  return undefined
}

const OTHERS = 0o077
const OTHERS_WRITE = 0o022
/** As /tmp: made for many users. Closing it, which root could, would break theirs. */
const STICKY = 0o1000

/** A directory of an owner, a heartbeat, or what a file system puts into each of its roots. */
function isOurs(name: string): boolean {
  return /^[0-9a-f]{16}_/.test(name) || name.endsWith('.alive') || name === 'lost+found'
}
