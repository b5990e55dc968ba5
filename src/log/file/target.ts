import { closeSync, constants, fstatSync, mkdirSync, openSync, realpathSync, type Stats, statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { rotate } from './rotation.ts'

export type FileTargetOptions = {
  readonly path: string
  /** 0: never rotated. */
  readonly bytesMax: number
  /** 0: never rotated. */
  readonly backupsMax: number
  readonly archivesMax: number
  readonly mode: number
  readonly nowMs: () => number
  readonly onRotated: () => void
  /** A rotation that fails is no reason not to write. */
  readonly onRotationFailed: (error: unknown) => void
}

/** A file that follows its path: it is opened again when somebody else has put another file there, and rotated by its size. */
export type FileTarget = {
  /** Bytes that are written; with `error` they are not all. Never throws. */
  readonly append: (bytes: Uint8Array) => { readonly written: number; readonly error?: unknown }
  /** Of the log without symbolic links; undefined while it is not open, or is no regular file. */
  readonly openPath: () => string | undefined
  readonly close: () => void
}

/** Another program has renamed or removed the file: half of the second within which that is seen. */
const LOOK_INTERVAL_MS = 500
/** Several processes on one file each know the size that the others have made it only after a look; so it is about right with a few of them. */
const LOOKS_PER_FILE = 20
/** A directory that lets nobody rename is not asked at each line. */
const ROTATION_RETRY_MS = 30_000
const DIRECTORY_MODE = 0o750
/** A FIFO without a reader, or one that is slow, must not stop the app: they give ENXIO and EAGAIN. A terminal must not become ours. */
const OPEN_FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK | constants.O_NOCTTY
/** These say nothing about the descriptor, which stays open. */
const PASSING_CODES = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EAGAIN'])

type OpenFile = {
  readonly fd: number
  readonly path: string
  readonly ino: number
  readonly dev: number
  readonly isRegular: boolean
  /** As far as we know; others may write to it as well. */
  size: number
}

/** Opens nothing before the first `append`. */
export function createFileTarget(options: FileTargetOptions): FileTarget {
  const { path, bytesMax, backupsMax, archivesMax, mode, nowMs, onRotated, onRotationFailed } = options
  const isRotating = bytesMax > 0 && backupsMax > 0
  let file: OpenFile | undefined
  let lookedMs = Number.NEGATIVE_INFINITY
  let bytesSinceLook = 0
  let rotateFromMs = Number.NEGATIVE_INFINITY

  function close(): void {
    const open = file
    file = undefined
    if (open !== undefined) closeQuietly(open.fd)
  }

  /** Somebody may have renamed the file (logrotate), truncated it (copytruncate), or removed it with its directory. */
  function follow(): OpenFile {
    const now = nowMs()
    const isLookDue = now - lookedMs >= LOOK_INTERVAL_MS || (isRotating && bytesSinceLook >= bytesMax / LOOKS_PER_FILE)
    if (file !== undefined && isLookDue) {
      lookedMs = now
      bytesSinceLook = 0
      const there = lookAt(path)
      if (there === 'unknown') return file
      if (there === undefined || there.ino !== file.ino || there.dev !== file.dev) close()
      else file.size = there.size
    }
    file ??= openFile(path, mode)
    return file
  }

  function makeRoom(open: OpenFile, bytesComing: number): OpenFile {
    if (!isRotating || !open.isRegular || open.size === 0 || open.size + bytesComing <= bytesMax || nowMs() < rotateFromMs) return open
    try {
      const { path: realPath, ino, dev } = open
      const rotated = rotate({ path: realPath, ino, dev, bytesComing, bytesMax, backupsMax, archivesMax })
      lookedMs = Number.NEGATIVE_INFINITY
      if (rotated === 'rotated' || rotated === 'moved') close()
      if (rotated === 'rotated') {
        file = openFile(realPath, mode, constants.O_NOFOLLOW)
        onRotated()
      }
    } catch (error) {
      rotateFromMs = nowMs() + ROTATION_RETRY_MS
      onRotationFailed(error)
    }
    return follow()
  }

  function append(bytes: Uint8Array): { readonly written: number; readonly error?: unknown } {
    let written = 0
    try {
      const open = makeRoom(follow(), bytes.length)
      while (written < bytes.length) {
        const taken = writeSync(open.fd, bytes, written)
        written += taken
        open.size += taken
        bytesSinceLook += taken
      }
      return { written }
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && PASSING_CODES.has(String(error.code)))) close()
      return { written, error }
    }
  }

  return { append, openPath: () => (file?.isRegular ? file.path : undefined), close }
}

function openFile(path: string, mode: number, moreFlags = 0): OpenFile {
  const fd = openMakingDirectory(path, mode, moreFlags)
  try {
    const { ino, dev, size, ...stats } = inspect(fd)
    return { fd, path: stats.isRegular ? realpathSync(path) : path, ino, dev, size, isRegular: stats.isRegular }
  } catch (error) {
    closeQuietly(fd)
    throw error
  }
}

function inspect(fd: number): Omit<OpenFile, 'fd' | 'path'> {
  const stats = fstatSync(fd)
  return { ino: stats.ino, dev: stats.dev, size: stats.size, isRegular: stats.isFile() }
}

function openMakingDirectory(path: string, mode: number, moreFlags: number): number {
  try {
    return openSync(path, OPEN_FLAGS | moreFlags, mode)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    mkdirSync(dirname(path), { recursive: true, mode: DIRECTORY_MODE })
    return openSync(path, OPEN_FLAGS | moreFlags, mode)
  }
}

/** `unknown` where the directory may not be read any more: what is open can still be written. */
function lookAt(path: string): Stats | undefined | 'unknown' {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return 'unknown'
  }
}

function closeQuietly(fd: number): void {
  try {
    closeSync(fd)
  } catch {
    // Somebody closed it for us.
  }
}
