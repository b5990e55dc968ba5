import type { Stats } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type LogName, type LogTime, readAnyLogName, readLogName } from './archive-name.ts'

/** A regular file that belongs to a log. */
export type LogFile = {
  readonly path: string
  /** Path of the log it belongs to. */
  readonly log: string
  readonly is: LogName
  readonly stats: Stats
  readonly time: LogTime
}

/** What `listFolder` found. */
export type LogFolder = {
  readonly files: readonly LogFile[]
  /** Paths of what has the name of a log and is none: symbolic links, directories. */
  readonly others: readonly string[]
}

/** What there is of the log `log`, a file name, in `dir`, besides the file that is written now. Rejects when the directory cannot be read. */
export async function listLog(dir: string, log: string): Promise<readonly LogFile[]> {
  const { files } = await list(dir, (name) => {
    const is = readLogName(name, log)
    return is === undefined || is.kind === 'current' ? undefined : { log, is }
  })
  return files
}

/** All logs (`*.log`) in `dir` with what belongs to them, archives of other programs included; nothing in directories below. Rejects as above. */
export function listFolder(dir: string): Promise<LogFolder> {
  return list(dir, readAnyLogName)
}

type ReadName = (name: string) => { readonly log: string; readonly is: LogName } | undefined

async function list(dir: string, readName: ReadName): Promise<LogFolder> {
  const files: LogFile[] = []
  const others: string[] = []
  for (const name of (await readdir(dir)).sort()) {
    const read = readName(name)
    const path = join(dir, name)
    const stats = read && (await lstat(path).catch(() => undefined))
    if (read === undefined || stats === undefined) continue
    if (!stats.isFile()) others.push(path)
    else files.push({ path, log: join(dir, read.log), is: read.is, stats, time: timeOf(read.is, stats) })
  }
  return { files, others }
}

/** The name wins: a copy of an archive has another time. */
function timeOf(is: LogName, { mtimeMs }: Stats): LogTime {
  return ('time' in is ? is.time : undefined) ?? { ms: mtimeMs, ordinal: 0 }
}
