import { readdirSync } from 'node:fs'
import { basename, dirname } from 'node:path'

/**
 * What a file beside the log `app.log` is, by its name:
 *
 *     app.log                                     current
 *     app.log.3                                   a backup, numbered as Python's RotatingFileHandler does it: 1 is the newest
 *     app.log.2026-11-22T10-00-00-000Z            retired: it keeps this name, the time of its last line (UTC), and waits to be compressed
 *     app.log.2026-11-22T10-00-00-000Z.gz         an archive
 *     app.log.2026-11-22T10-00-00-000Z.gz.4711    an archive in the making, by the process 4711
 */
export type LogName =
  | { readonly kind: 'current' }
  | { readonly kind: 'backup'; readonly number: number }
  /** The time in its name, where there is one. */
  | { readonly kind: 'retired' | 'archive'; readonly time?: LogTime }
  | { readonly kind: 'unfinished'; readonly pid: number }

/** When the last line was written, and which it was of several files of that millisecond. */
export type LogTime = { readonly ms: number; readonly ordinal: number }

const SUFFIX = /^\.(?:(\d{1,6})|(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)-(\d{3}Z)(?:-(\d{1,6}))?(\.gz(?:\.(\d{1,10}))?)?)$/

/** Reads a file name in the directory of `log`, also a file name. Undefined: it has nothing to do with it. */
export function readLogName(name: string, log: string): LogName | undefined {
  if (name === log) return { kind: 'current' }
  if (!name.startsWith(log)) return undefined
  const [, number, day, hour, minute, second, rest, ordinal = '0', gz, pid] = SUFFIX.exec(name.slice(log.length)) ?? []
  if (number !== undefined) return { kind: 'backup', number: Number(number) }
  if (day === undefined) return undefined
  if (pid !== undefined) return { kind: 'unfinished', pid: Number(pid) }
  const time = { ms: Date.parse(`${day}T${hour}:${minute}:${second}.${rest}`), ordinal: Number(ordinal) }
  return { kind: gz === undefined ? 'retired' : 'archive', time }
}

/** The same for a directory with any logs (`*.log`) in it: with the log it belongs to. Archives of other programs have any name (`app.log.gz`). */
export function readAnyLogName(name: string): { readonly log: string; readonly is: LogName } | undefined {
  const [, log, suffix] = /^(.+\.log)(\..+)?$/.exec(name) ?? []
  if (log === undefined) return undefined
  const is = readLogName(name, log) ?? (suffix?.endsWith('.gz') ? { kind: 'archive' as const } : undefined)
  return is && { log, is }
}

/** A path for a file of the log `path` that was last written at `mtimeMs`, after those that have one of the same millisecond. */
export function retiredPath(path: string, mtimeMs: number): string {
  const ordinals = readdirSync(dirname(path)).map((name) => ordinalOf(readLogName(name, basename(path)), Math.floor(mtimeMs)))
  const ordinal = Math.max(-1, ...ordinals) + 1
  // Some file systems have no colon in names.
  const date = new Date(mtimeMs).toISOString().replace(/[:.]/g, '-')
  return ordinal === 0 ? `${path}.${date}` : `${path}.${date}-${ordinal}`
}

function ordinalOf(is: LogName | undefined, ms: number): number {
  const time = is && 'time' in is ? is.time : undefined
  return time?.ms === ms ? time.ordinal : -1
}

/** Sorts the oldest first. */
export function compareTimes(a: LogTime, b: LogTime): number {
  return a.ms - b.ms || a.ordinal - b.ordinal
}

export function archivePath(retired: string): string {
  return `${retired}.gz`
}

export function unfinishedPath(archive: string): string {
  return `${archive}.${process.pid}`
}
