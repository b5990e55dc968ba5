import { basename, dirname } from 'node:path'
import type { Archived } from './archive-sweep.ts'

export type ArchivistOptions = {
  /** Path of the log without symbolic links; undefined while there is none. */
  readonly path: () => string | undefined
  readonly archivesMax: number
  readonly onFailed: (path: string, error: unknown) => void
}

/** Compresses the old files of one log in the background. */
export type Archivist = {
  /** There may be something to do soon. */
  readonly wake: () => void
  readonly stop: () => void
}

/** Python's rotator compresses files older than a day. */
const OLDER_THAN_MS = 86_400_000
/** After the start of the app, which needs the processor for itself, and after a rotation. */
const SOON_MS = 1_000
/** When another process was at it, or a step failed. */
const AGAIN_MS = 60_000
/** A file is due at most this much later than after a day. */
const INTERVAL_MS = 3_600_000
/** Leaves most of a thread of the pool to the app. */
const PAUSE_MS = 5

/** Nothing of it keeps the process alive: a file that is not through at the end is begun anew at the next start. */
export function createArchivist({ path, archivesMax, onFailed }: ArchivistOptions): Archivist {
  let timer: NodeJS.Timeout | undefined
  let dueMs = Number.POSITIVE_INFINITY
  let isRunning = false
  let isWoken = false
  let isStopped = false

  function schedule(ms: number): void {
    if (isStopped || isRunning || performance.now() + ms >= dueMs) return
    clearTimeout(timer)
    dueMs = performance.now() + ms
    timer = setTimeout(run, ms).unref()
  }

  function run(): void {
    dueMs = Number.POSITIVE_INFINITY
    isRunning = true
    isWoken = false
    void sweep().then((isDone) => {
      isRunning = false
      schedule(isWoken ? SOON_MS : isDone ? INTERVAL_MS : AGAIN_MS)
    })
  }

  /** False: there is more to do than could be done. Never rejects. */
  async function sweep(): Promise<boolean> {
    const log = path()
    let isDone = true
    try {
      if (log === undefined) return false
      for await (const archived of sweepLog(log, archivesMax)) {
        if (archived.kind === 'failed') onFailed(archived.path, archived.error)
        if (archived.kind === 'failed' || archived.kind === 'left') isDone = false
        if (isStopped) return true
      }
      return isDone
    } catch (error) {
      onFailed(log ?? '', error)
      return false
    }
  }

  schedule(SOON_MS)
  return {
    wake() {
      isWoken = true
      schedule(SOON_MS)
    },
    stop() {
      isStopped = true
      clearTimeout(timer)
    },
  }
}

/** Loaded when there is a log to look at: most processes never compress anything, and zlib is not small. */
async function* sweepLog(log: string, archivesMax: number): AsyncGenerator<Archived> {
  const [{ listLog }, { carryOut, planArchives }] = await Promise.all([import('./archive-files.ts'), import('./archive-sweep.ts')])
  const files = await listLog(dirname(log), basename(log))
  const plan = planArchives(files, { olderThanMs: OLDER_THAN_MS, archivesMax, nowMs: Date.now() })
  yield* carryOut(plan, { sleep, pauseMs: PAUSE_MS })
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref())
}
