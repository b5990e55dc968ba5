import { existsSync } from 'node:fs'

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
  | { readonly kind: 'retired' | 'archive'; readonly writtenMs?: number }
  | { readonly kind: 'unfinished'; readonly pid: number }

const SUFFIX = /^\.(?:(\d{1,6})|(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)-(\d{3}Z)(?:-\d{1,3})?(\.gz(?:\.(\d{1,10}))?)?)$/

/** Reads a file name in the directory of `log`, also a file name. Undefined: it has nothing to do with it. */
export function readLogName(name: string, log: string): LogName | undefined {
  if (name === log) return { kind: 'current' }
  if (!name.startsWith(log)) return undefined
  const [, number, day, hour, minute, second, rest, gz, pid] = SUFFIX.exec(name.slice(log.length)) ?? []
  if (number !== undefined) return { kind: 'backup', number: Number(number) }
  if (day === undefined) return undefined
  if (pid !== undefined) return { kind: 'unfinished', pid: Number(pid) }
  return { kind: gz === undefined ? 'retired' : 'archive', writtenMs: Date.parse(`${day}T${hour}:${minute}:${second}.${rest}`) }
}

/** The same for a directory with any logs (`*.log`) in it: with the log it belongs to. Archives of other programs have any name (`app.log.gz`). */
export function readAnyLogName(name: string): { readonly log: string; readonly is: LogName } | undefined {
  const [, log, suffix] = /^(.+\.log)(\..+)?$/.exec(name) ?? []
  if (log === undefined) return undefined
  const is = readLogName(name, log) ?? (suffix?.endsWith('.gz') ? { kind: 'archive' as const } : undefined)
  return is && { log, is }
}

/** A path for a file of the log `path` that was last written at `mtimeMs`, free together with that of its archive. */
export function retiredPath(path: string, mtimeMs: number): string {
  // Some file systems have no colon in names.
  const date = new Date(mtimeMs).toISOString().replace(/[:.]/g, '-')
  const isTaken = (candidate: string): boolean => existsSync(candidate) || existsSync(archivePath(candidate))
  let free = `${path}.${date}`
  for (let count = 1; isTaken(free); count++) free = `${path}.${date}-${count}`
  return free
}

export function archivePath(retired: string): string {
  return `${retired}.gz`
}

export function unfinishedPath(archive: string): string {
  return `${archive}.${process.pid}`
}
