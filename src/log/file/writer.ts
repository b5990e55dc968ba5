import { createLineBuffer } from './buffer.ts'
import { describeFault, faultCode } from './fault.ts'
import type { FileTarget } from './target.ts'

export type FileWriterOptions = {
  readonly path: string
  readonly target: FileTarget
  readonly onDrop: (reason: string, lines: number) => void
  /** Says a message unless the same reason was said a moment ago. */
  readonly warnOf: (reason: string, message: () => string) => void
  readonly nowMs: () => number
}

/** Lines that wait to be written, and what becomes of them where they cannot be. */
export type FileWriter = {
  /** One more to wait; it is dropped where too much waits already. */
  readonly add: (line: string) => void
  readonly characters: () => number
  /** Writes what waits, unless the file failed a moment ago. */
  readonly drain: () => void
  /** Writes what waits. */
  readonly drainNow: () => void
  /** The same for the last time: what cannot be written is dropped. */
  readonly finish: () => void
}

/** What waits for a disk that is full, in characters, which take one or two bytes. */
const WAITING_CHARACTERS_MAX = 1_048_576
/** How long it waits. Longer outages are of the kind that takes hours, and there the lines of the last second are worth more. */
const WAITING_MS_MAX = 10_000
/** How soon a file that fails is tried again, and a reader of a FIFO that is slow. */
const RETRY_MS = 1_000
const RETRY_READER_MS = 20

type Fault = { readonly sinceMs: number; readonly retryAtMs: number; readonly error: unknown }

/** Nothing here throws. A line is dropped when it, or those before it, could not be written for ten seconds, or fill a megabyte. */
export function createFileWriter({ path, target, onDrop, warnOf, nowMs }: FileWriterOptions): FileWriter {
  const buffer = createLineBuffer()
  let fault: Fault | undefined

  function add(line: string): void {
    if (fault !== undefined && buffer.characters() + line.length > WAITING_CHARACTERS_MAX) drop(fault.error, 1)
    else buffer.add(line)
  }

  function drain(): void {
    if (fault === undefined || nowMs() >= fault.retryAtMs) drainNow()
  }

  function drainNow(): void {
    if (buffer.lines() === 0) return
    const bytes = buffer.bytes()
    const { written, error } = target.append(bytes)
    if (error === undefined) {
      buffer.done()
      fault = undefined
      return
    }
    buffer.keep(bytes, written, faultCode(error) === 'EAGAIN')
    fail(error)
  }

  function fail(error: unknown): void {
    const now = nowMs()
    const isSlowReader = faultCode(error) === 'EAGAIN'
    const retryMs = isSlowReader ? RETRY_READER_MS : RETRY_MS
    fault = { sinceMs: fault?.sinceMs ?? now, retryAtMs: now + retryMs, error }
    setTimeout(drain, retryMs + 1).unref()
    if (now - fault.sinceMs >= WAITING_MS_MAX) drop(error, buffer.clear())
    else if (!isSlowReader)
      warnOf(faultCode(error), () => `${describeFault('written', path, error)}. Lines wait for ${WAITING_MS_MAX / 1_000} s.`)
  }

  function drop(error: unknown, lines: number): void {
    if (lines === 0) return
    onDrop(faultCode(error), lines)
    warnOf(`dropped ${faultCode(error)}`, () => `${describeFault('written', path, error)}. Lines are dropped.`)
  }

  function finish(): void {
    drainNow()
    if (fault !== undefined) drop(fault.error, buffer.clear())
  }

  return { add, characters: buffer.characters, drain, drainNow, finish }
}
