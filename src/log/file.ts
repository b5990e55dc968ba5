import { resolve } from 'node:path'
import { createWarner } from '../delivery/warn.ts'
import { createArchivist } from './file/archive-schedule.ts'
import { atEnd, outliveSignals } from './file/exit.ts'
import { countDrop, describeFault, sayFault } from './file/fault.ts'
import { createFileTarget } from './file/target.ts'
import { createFileWriter } from './file/writer.ts'

export type FileSinkOptions = {
  /** From the working directory of the moment on. Directories that are missing are made. A symbolic link is followed; then its file is what is rotated. */
  readonly path: string
  /** Size at which the file becomes `path.1`; 0: never. Default 10 MB. */
  readonly bytesMax?: number
  /** Numbered backups; 0: never rotated. Default 5. */
  readonly backupsMax?: number
  /** Compressed older ones; 0: none. Default 30. */
  readonly archivesMax?: number
  /** Of files that are made; the umask takes from it. Default 0o640. */
  readonly mode?: number
  /** Called for lines that are given up, with the reason: an error code (`ENOSPC`), or `closed`. Default: counted in `tts_otel.log.file.dropped`. */
  readonly onDrop?: (reason: string, lines: number) => void
  /** Gets what a person should know, each kind at most once a minute. Default: the diagnostics, or stderr where nothing is registered. */
  readonly warn?: (message: string) => void
  /** A monotonic clock. */
  readonly nowMs?: () => number
}

/** Takes lines into a file. None of its functions throws. */
export type FileSink = {
  /** One line, its newline included. */
  readonly write: (line: string) => void
  /** What was written before is with the operating system when it returns, if that takes it. */
  readonly flush: () => void
  readonly close: () => void
}

const MB = 1_048_576
/** So many lines a millisecond go out at once, 2 µs each: what one request logs is safe when the call returns. More are a burst. */
const DIRECT_WRITES_PER_MS = 8
/** What a burst writes at once; more is hardly cheaper. */
const CHUNK_CHARACTERS_MAX = 16_384
/** Smaller for small files, so that they have about their size. */
const CHUNKS_PER_FILE = 5

/**
 * Writes lines to a file: synchronously, and whole, so that several processes may share it.
 *
 *     line ──► buffer ──► write       at once; of a burst: at 16 KB, after a millisecond, when the running code returns
 *                │           └──► size reached: path ─► path.1 … path.5 ─► compressed archives
 *                └──► not possible: waits for 10 s in 1 MB, then dropped and counted
 *
 * SIGKILL and SIGHUP end a process without a word to us, SIGTERM and SIGINT a worker thread. They can take the last lines of a burst, 16 KB at
 * most, whose caller has not returned to Node yet, and nothing else.
 */
export function createFileSink(options: FileSinkOptions): FileSink {
  const { bytesMax = 10 * MB, backupsMax = 5, archivesMax = 30, mode = 0o640 } = options
  const { onDrop = countDrop, warn = sayFault, nowMs = () => performance.now() } = options
  const path = resolve(options.path) // an app that changes its directory later does not move its log
  const warnOf = createWarner(warn, nowMs)
  const onRotated = (): void => archivist?.wake()
  const onRotationFailed = (error: unknown): void =>
    warnOf('rotation', () => `${describeFault('rotated', path, error)}. Until then it grows.`)
  const onArchiveFailed = (file: string, error: unknown): void => warnOf('archive', () => `${describeFault('archived', file, error)}.`)
  const target = createFileTarget({ path, bytesMax, backupsMax, archivesMax, mode, nowMs, onRotated, onRotationFailed })
  const archivist = archivesMax > 0 ? createArchivist({ path: target.openPath, archivesMax, onFailed: onArchiveFailed }) : undefined
  const writer = createFileWriter({ path, target, onDrop, warnOf, nowMs })
  const chunkCharacters = bytesMax > 0 ? Math.min(CHUNK_CHARACTERS_MAX, bytesMax / CHUNKS_PER_FILE) : CHUNK_CHARACTERS_MAX
  const isDirect = createBudget(nowMs)
  let isScheduled = false
  let state: 'open' | 'ending' | 'closed' = 'open'

  function write(line: string): void {
    if (state !== 'closed') writer.add(line)
    if (state === 'closed') onDrop('closed', 1)
    else if (state === 'ending') writer.finish()
    else if (isDirect() || writer.characters() >= chunkCharacters) writer.drain()
    else schedule()
  }

  function schedule(): void {
    if (isScheduled) return
    isScheduled = true
    outliveSignals()
    process.nextTick(drainBurst)
  }

  function drainBurst(): void {
    isScheduled = false
    writer.drain()
  }

  function end(): void {
    state = 'ending'
    writer.finish()
  }

  function close(): void {
    if (state === 'closed') return
    writer.finish()
    state = 'closed'
    target.close()
    archivist?.stop()
    forgetEnd()
  }

  const forgetEnd = atEnd(end)
  return { write, flush: writer.drainNow, close }
}

/** True for the first few calls of a millisecond. */
function createBudget(nowMs: () => number): () => boolean {
  let startMs = Number.NEGATIVE_INFINITY
  let count = 0
  return function isWithin() {
    const now = nowMs()
    if (now - startMs >= 1) {
      startMs = now
      count = 0
    }
    count++
    return count <= DIRECT_WRITES_PER_MS
  }
}
