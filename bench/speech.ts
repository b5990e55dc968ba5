/** The benchmarked server `apps/speech.mjs` as a child process. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { peersRequire } from './setups.ts'

export type Speech = {
  readonly url: string
  readonly pid: number
  /** After a collection of the garbage, where the flags allow one. */
  readonly memory: () => Promise<NodeJS.MemoryUsage>
  readonly stop: () => Promise<void>
}

const app = fileURLToPath(new URL('apps/speech.mjs', import.meta.url))
const register = fileURLToPath(new URL('../register.js', import.meta.url))
const canPin = spawnSync('taskset', ['-V']).status === 0

/** Keeps this process, with load and receiver, off the core of the server. */
export function pinLoad(): void {
  if (canPin) spawnSync('taskset', ['-pc', '1', String(process.pid)])
}

/** Starts the server under the SDK, on core 0. */
export async function startSpeech(env: Readonly<Record<string, string>>, flags: readonly string[] = []): Promise<Speech> {
  const command = [...(canPin ? ['taskset', '-c', '0'] : []), process.execPath, ...flags, '--import', register, app]
  const child = spawn(command[0]!, command.slice(1), {
    env: { PATH: process.env.PATH ?? '', BENCH_REQUIRE_FROM: peersRequire, ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const ended = once(child, 'exit')
  const died = ended.then(() => {
    throw new Error('the benchmarked app has ended')
  })
  died.catch(() => {})
  const [{ port }] = await Promise.race([once(child, 'message'), died])
  return {
    url: `http://127.0.0.1:${port}/hello/4711`,
    pid: child.pid ?? 0,
    async memory() {
      child.send('memory')
      const [{ memory }] = await Promise.race([once(child, 'message'), died])
      return memory
    },
    async stop() {
      child.disconnect()
      await ended
    },
  }
}
