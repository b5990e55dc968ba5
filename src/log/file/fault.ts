import { writeSync } from 'node:fs'
import { diag, metrics } from '@opentelemetry/api'
import { registered } from '../../registered.ts'
import { METRIC_LOG_FILE_DROPPED } from '../../tts/semconv.ts'

const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: 'make room on its disk',
  EDQUOT: 'make room in the quota of this user',
  EFBIG: 'raise the limit of file sizes (ulimit -f), or rotate at a smaller size',
  EROFS: 'the disk is mounted read-only: name a path elsewhere',
  EACCES: 'let the user of this process write there, or name a path elsewhere',
  EPERM: 'let the user of this process write there, or name a path elsewhere',
  EISDIR: 'it is a directory: name a file in it',
  ENOTDIR: 'a part of the path is a file: name a path elsewhere',
  ELOOP: 'a symbolic link on the way is not followed, or leads to itself: name the file itself',
  ENXIO: 'nobody reads from it: start the reader, or name a file',
  EAGAIN: 'who reads from it is too slow: see to the reader, or name a file',
  EPIPE: 'nobody reads from it any more: start the reader, or name a file',
  EMFILE: 'raise the limit of open files of this process (ulimit -n)',
  ENFILE: 'raise the limit of open files of this machine',
}
const ADVICE_OTHERWISE = 'see that it can be written, or name a path elsewhere'

/** Code of a system error, for people and as the reason of a loss. */
export function faultCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}

/** What happened and what to do, as one sentence. */
export function describeFault(what: 'written' | 'rotated' | 'archived', path: string, error: unknown): string {
  const code = faultCode(error)
  const detail = error instanceof Error ? error.message : String(error)
  return `the log file ${path} cannot be ${what}: ${detail}; ${ADVICE[code] ?? ADVICE_OTHERWISE} (LOG_FILE_PATH or logging.yaml)`
}

/** The default for losses: the instrument is asked for at each, because before registration the API hands out one that never counts. */
export function countDrop(reason: string, lines: number): void {
  metrics.getMeter('tts-otel').createCounter(METRIC_LOG_FILE_DROPPED, { unit: '{line}' }).add(lines, { reason })
}

/** Without `tts-otel/register` nobody listens to the diagnostics of OpenTelemetry, and a log that is not written must not be found out later. */
export function sayFault(message: string): void {
  try {
    if (registered() !== undefined) diag.warn(`tts-otel: ${message}`)
    else writeSync(2, `tts-otel: ${message}\n`)
  } catch {
    // Nobody reads it.
  }
}
