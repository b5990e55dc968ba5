import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** One incarnation of a process, or of a worker thread: it has directories in the spool, and nobody else writes there while it lives. */
export type Owner = {
  /** For people who look at the directory. */
  readonly host: string
  /** Equal where process ids mean the same: one host name, one boot, one pid namespace. 8 hex digits. */
  readonly space: string
  readonly pid: number
  /** When the process began, in clock ticks since the boot, so that a reused pid is told apart; 0 where the system does not say. */
  readonly start: number
  /** 8 hex digits. */
  readonly random: string
}

/** This process, as a neighbour will see it. */
export function thisOwner(random: string): Owner {
  const host = hostname()
  const space = [host, readOr('/proc/sys/kernel/random/boot_id'), pidNamespace()].join('\n')
  return {
    host: host.replaceAll(/[^A-Za-z0-9.-]/g, '-').slice(0, 64) || 'host',
    space: createHash('sha256').update(space).digest('hex').slice(0, 8),
    pid: process.pid,
    start: startOf(process.pid) ?? 0,
    random,
  }
}

export function formatOwner({ host, space, pid, start, random }: Owner): string {
  return [host, space, pid, start, random].join('_')
}

/** Whether `owner` is known to have ended. False also where its pid means nothing here: then only its heartbeat tells. */
export function isGone(owner: Owner, me: Owner): boolean {
  if (owner.space !== me.space) return false
  const start = startOf(owner.pid)
  if (start !== undefined) return start !== owner.start
  // A system that shows our own process shows all of this user's: what is not there is gone. Elsewhere signal 0 asks.
  return me.start !== 0 || !answersSignal(owner.pid)
}

function answersSignal(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH')
  }
}

/** Field 22 of /proc/PID/stat; undefined when there is no such process or nobody has collected its end (a zombie). */
function startOf(pid: number): number | undefined {
  const stat = readOr(`/proc/${pid}/stat`)
  // The command name in parentheses may itself hold blanks and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return stat === '' || fields[0] === 'Z' || fields[0] === 'X' ? undefined : Number(fields[19])
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return ''
  }
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
