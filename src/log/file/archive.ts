import { constants, existsSync, lstatSync, renameSync, rmSync, type Stats } from 'node:fs'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { createGzip, type Gzip } from 'node:zlib'
import { unfinishedPath } from './archive-name.ts'

export type CompressOptions = {
  /** A regular file that nobody writes to any more; removed when its archive is safe. */
  readonly source: string
  readonly archive: string
  /** Awaited after each chunk; who must not be held up by us gets its turn here. */
  readonly pause: () => Promise<void>
}

/**
 * `gone`: another process has done it. `busy`: another one, or an attempt that has just died, is at it. `changed`: somebody has written to
 * the file after all; it is left as it is.
 */
export type Compressed =
  | { readonly kind: 'done'; readonly bytesBefore: number; readonly bytesAfter: number }
  | { readonly kind: 'gone' | 'busy' | 'changed' }

/** About 5 ms of a thread of the pool, which the app shares. */
const CHUNK_BYTES = 262_144
/** Archives are read by whom the logs are read by; nobody else. */
const MODE_MAX = 0o640

/**
 * Compresses a file into `archive` (gzip) with its time, owner and at most its mode. At each moment at least one of the two is complete: the
 * archive is written under another name, synchronized with the disk, renamed, and only then the file is removed. Rejects when the
 * system refuses a step; the file is there then.
 */
export async function compress({ source, archive, pause }: CompressOptions): Promise<Compressed> {
  const input = await openUnless('ENOENT', source, constants.O_RDONLY | constants.O_NOFOLLOW)
  if (input === undefined) return { kind: 'gone' }
  try {
    const before = await input.stat()
    if (!before.isFile()) throw new Error(`${source} is no regular file`)
    const unfinished = unfinishedPath(archive)
    const output = await create(unfinished, before)
    if (output === undefined) return { kind: 'busy' }
    try {
      const made = await fill({ input, output, before, pause })
      if (!existsSync(source)) return { kind: 'gone' }
      if (!isUnchanged(source, before) || !isFile(unfinished, made)) return { kind: 'changed' }
      renameSync(unfinished, archive)
      await syncDirectory(archive)
      // Another process may have made the same archive and remove the source first.
      if (isFile(source, before)) rmSync(source, { force: true })
      return { kind: 'done', bytesBefore: before.size, bytesAfter: made.size }
    } finally {
      // Nothing is there after a success.
      await unlink(unfinished).catch(() => {})
    }
  } finally {
    await input.close()
  }
}

async function create(path: string, { mode, uid, gid }: Stats): Promise<FileHandle | undefined> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  const output = await openUnless('EEXIST', path, flags, mode & MODE_MAX)
  // Only root may give files away; others own the source already, or keep the archive.
  await output?.chown(uid, gid).catch(() => {})
  return output
}

/** Undefined for the error `code`. */
async function openUnless(code: string, path: string, flags: number, mode?: number): Promise<FileHandle | undefined> {
  try {
    return await open(path, flags, mode)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === code) return undefined
    throw error
  }
}

type FillOptions = { readonly input: FileHandle; readonly output: FileHandle; readonly before: Stats; readonly pause: () => Promise<void> }

async function fill({ input, output, before, pause }: FillOptions): Promise<Stats> {
  try {
    await pump({ input, output, before, pause })
    await output.utimes(before.atime, before.mtime)
    await output.sync()
    return await output.stat()
  } finally {
    await output.close()
  }
}

/** Chunk by chunk, each of them awaited: a stream would hold the process open until it is through. */
async function pump({ input, output, before, pause }: FillOptions): Promise<void> {
  const gzip = createGzip()
  const parts: Buffer[] = []
  gzip.on('data', (part: Buffer) => parts.push(part))
  // The callbacks have it as well; without a listener it would end the process.
  gzip.on('error', () => {})
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
  for (let read = 0; read < before.size; ) {
    const { bytesRead } = await input.read(chunk, 0, Math.min(CHUNK_BYTES, before.size - read), read)
    if (bytesRead === 0) break
    read += bytesRead
    await compressChunk(gzip, chunk.subarray(0, bytesRead))
    await output.appendFile(Buffer.concat(parts.splice(0)))
    await pause()
  }
  await endGzip(gzip)
  await output.appendFile(Buffer.concat(parts))
}

function compressChunk(gzip: Gzip, chunk: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    gzip.write(chunk, (error) => (error ? reject(error) : resolve()))
  })
}

function endGzip(gzip: Gzip): Promise<void> {
  return new Promise((resolve, reject) => {
    gzip.on('error', reject).on('end', resolve).end()
  })
}

function isUnchanged(path: string, before: Stats): boolean {
  const now = lstatSync(path, { throwIfNoEntry: false })
  return now !== undefined && isSame(now, before) && now.size === before.size && now.mtimeMs === before.mtimeMs
}

function isFile(path: string, file: Stats): boolean {
  const now = lstatSync(path, { throwIfNoEntry: false })
  return now !== undefined && isSame(now, file)
}

function isSame(a: Stats, b: Stats): boolean {
  return a.ino === b.ino && a.dev === b.dev
}

/** A rename is on the disk when its directory is. Some file systems have no such thing, and there it is as safe as they make it. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(dirname(path), constants.O_RDONLY).catch(() => undefined)
  await directory?.sync().catch(() => {})
  await directory?.close()
}
