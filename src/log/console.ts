import { writeSync } from 'node:fs'
import { metrics } from '@opentelemetry/api'
import { METRIC_CONSOLE_DROPPED } from '../tts/semconv.ts'

/** Writes one line, its newline included. Never throws and never waits long. */
export type WriteLine = (line: string) => void

type LineWriterOptions = {
  readonly fd: number
  /** As `fs.writeSync`. */
  readonly write?: (fd: number, bytes: Uint8Array) => number
  /** Called for each line that is given up, with the reason: an error code, `full`, or `closed`. */
  readonly onDrop?: (reason: string) => void
}

/** What a reader that is slow for a moment may fall behind; beyond it lines are dropped. */
const WAITING_BYTES_MAX = 1_048_576
/** How soon a full pipe is tried again. */
const RETRY_MS = 20
/** How long the end of the process may wait for a slow reader. */
const EXIT_WAIT_MS_MAX = 500
const EXIT_STEP_MS = 5

/** The console of this process: stdout, as Python's handlers have it (`ext://sys.stdout`). */
export const writeToConsole: WriteLine = createLineWriter({ fd: 1, onDrop: countDrop })

/** Its stderr (`ext://sys.stderr`). */
export const writeToErrors: WriteLine = createLineWriter({ fd: 2, onDrop: countDrop })

/**
 * A synchronous writer to `fd`, so that a line is out before a crash. Where the pipe is full (EAGAIN) lines wait in a bounded
 * buffer until it is not, at the latest until the process ends; where nobody reads any more (EPIPE) they are dropped.
 */
export function createLineWriter({ fd, write = writeSync, onDrop = () => {} }: LineWriterOptions): WriteLine {
  let waiting: Uint8Array[] = []
  let waitingBytes = 0
  let isClosed = false
  let isWatchingExit = false

  /** What could not be written now. */
  function writeSome(bytes: Uint8Array): Uint8Array {
    let rest = bytes
    try {
      while (rest.length > 0) rest = rest.subarray(write(fd, rest))
    } catch (error) {
      const code = codeOf(error)
      if (code === 'EAGAIN') return rest
      isClosed = code === 'EPIPE' || code === 'EBADF'
      onDrop(code)
      return rest.subarray(rest.length)
    }
    return rest
  }

  function drain(): void {
    while (waiting.length > 0 && !isClosed) {
      const rest = writeSome(waiting[0]!)
      waitingBytes -= waiting[0]!.length - rest.length
      if (rest.length > 0) {
        waiting[0] = rest
        return
      }
      waiting.shift()
    }
    for (const _ of waiting) onDrop('closed')
    waiting = []
    waitingBytes = 0
  }

  function wait(bytes: Uint8Array): void {
    if (waitingBytes + bytes.length > WAITING_BYTES_MAX) {
      onDrop('full')
      return
    }
    waiting.push(bytes)
    waitingBytes += bytes.length
    if (waiting.length === 1) retryLater()
    if (!isWatchingExit) process.once('exit', drainBeforeExit)
    isWatchingExit = true
  }

  function retryLater(): void {
    const retry = (): void => {
      drain()
      if (waiting.length > 0) retryLater()
    }
    setTimeout(retry, RETRY_MS).unref()
  }

  function drainBeforeExit(): void {
    for (let waitedMs = 0; waiting.length > 0 && waitedMs < EXIT_WAIT_MS_MAX; waitedMs += EXIT_STEP_MS) {
      drain()
      if (waiting.length > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, EXIT_STEP_MS)
    }
  }

  return function writeLine(line) {
    if (isClosed) return onDrop('closed')
    const bytes = Buffer.from(line)
    if (waiting.length > 0) return wait(bytes)
    const rest = writeSome(bytes)
    if (rest.length > 0) wait(rest)
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}

/** The instrument is asked for at each drop, which is rare: before registration the API hands out one that never counts. */
function countDrop(reason: string): void {
  metrics.getMeter('tts-otel').createCounter(METRIC_CONSOLE_DROPPED, { unit: '{line}' }).add(1, { reason })
}
