import { readFileSync } from 'node:fs'

/**
 * Stops a process and its children where they are, as a stuck disk does: connections stay open and nothing is answered.
 *
 * @returns lets them go on; only the first call does.
 */
export function freeze(pid: number): () => void {
  const frozen = [pid, ...childrenOf(pid)]
  for (const each of frozen) process.kill(each, 'SIGSTOP')
  return () => {
    // Once: later the same ids may be those of others.
    for (const each of frozen.splice(0)) process.kill(each, 'SIGCONT')
  }
}

/** Of a process that is alive. https://man7.org/linux/man-pages/man5/proc_pid_status.5.html */
export function parentOf(pid: number): number {
  return Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
}
