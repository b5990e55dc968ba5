import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { openSpool } from '../../src/wire/spool.ts'
import { idOf, SPOOL_DEFAULTS, unaccounted } from './spool-chunks.ts'

export type KillLoopResult = {
  /** Chunks that a process said it had stored. */
  readonly stored: number
  /** Chunks that were acknowledged, by a killed process or by the last one. */
  readonly delivered: number
  /** Stored, not acknowledged, and not there at the end. */
  readonly lost: readonly string[]
  /** Given out twice by the last process. */
  readonly doubled: readonly string[]
  /** Given out by the last process though nobody made them. */
  readonly unknown: readonly string[]
  /** Of the last process, by signal. */
  readonly unaccounted: readonly number[]
  /** Acknowledged just before a kill and given out once more: the ack had not reached the disk. */
  readonly repeated: number
}

const program = fileURLToPath(new URL('spool-child.ts', import.meta.url))

/** Three at once, so that a claim meets a rival, an owner and the dead. */
const LANES = 3

/** Starts processes that use the spool in `dir`, each of which claims what those before it left, and kills each at a random moment. */
export async function killLoop(dir: string, rounds: number): Promise<KillLoopResult> {
  const stored = new Set<string>()
  const acked = new Set<string>()
  let round = 0
  const runLane = async () => {
    while (round < rounds) await runAndKill(dir, round++, stored, acked)
  }
  await Promise.all(Array.from({ length: LANES }, runLane))

  const last = openSpool({ ...SPOOL_DEFAULTS, dir })
  await last.claimOrphans()
  const rest: string[] = []
  for (let waiting = await last.next(); waiting !== undefined; waiting = await last.next()) {
    rest.push(idOf(waiting.chunk))
    last.ack(waiting.entry)
  }
  await last.close()
  const given = new Set(rest)
  return {
    stored: stored.size,
    delivered: new Set([...acked, ...rest]).size,
    lost: [...stored].filter((id) => !acked.has(id) && !given.has(id)),
    doubled: rest.filter((id, index) => rest.indexOf(id) !== index),
    unknown: rest.filter((id) => !/^r\d+-\d+$/.test(id)),
    unaccounted: unaccounted(last.stats()),
    repeated: rest.filter((id) => acked.has(id)).length,
  }
}

async function runAndKill(dir: string, round: number, stored: Set<string>, acked: Set<string>): Promise<void> {
  const child = spawn(process.execPath, [program, 'busy', dir, `r${round}`], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => child.once('close', resolve))
  const lines = createInterface({ input: child.stdout })
  // From its first line on it is at work; before, there would be nothing to break.
  lines.once('line', () => setTimeout(() => child.kill('SIGKILL'), Math.random() * 100))
  lines.on('line', (line) => {
    const [word, id] = line.split(' ')
    if (word === 'stored') stored.add(id!)
    if (word === 'acked') acked.add(id!)
  })
  await ended
}
