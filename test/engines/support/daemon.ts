/** A server program of the test's own, in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { get } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'

export type DaemonOptions = {
  readonly name: string
  readonly program: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Whether it takes requests now. */
  readonly isReady: () => Promise<boolean>
}

export type Daemon = {
  /** Resolves when it takes requests; rejects with its last words when it ends instead. */
  start(): Promise<void>
  /** Sends the signal and gives the exit code, or the signal that ended it; null when it did not run. */
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null>
  /** The last that it said, both ways. */
  output(): string
  readonly pid: number | undefined
}

/** Of a Go program on a busy machine. */
const START_MS_MAX = 60_000
const OUTPUT_CHARACTERS_MAX = 20_000

export function createDaemon({ name, program, args, env = {}, isReady }: DaemonOptions): Daemon {
  let child: ChildProcess | undefined
  let output = ''
  const runs = () => child !== undefined && child.exitCode === null && child.signalCode === null

  return {
    async start() {
      child = spawn(program, args, { env: { PATH: process.env.PATH ?? '', ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
      for (const stream of [child.stdout, child.stderr])
        stream?.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-OUTPUT_CHARACTERS_MAX)))
      child.on('error', (error) => (output += error.message))
      const deadlineMs = Date.now() + START_MS_MAX
      while (!(await isReady())) {
        if (!runs() || child.pid === undefined || Date.now() > deadlineMs) throw new Error(`${name} did not start: ${output}`)
        await sleep(50)
      }
    },
    async end(signal) {
      if (child === undefined || !runs()) return null
      const exit = once(child, 'exit')
      child.kill('SIGCONT')
      child.kill(signal)
      const [code, by] = await exit
      return code ?? by
    },
    output: () => output,
    get pid() {
      return child?.pid
    },
  }
}

/** Whether a GET gives a 2xx; for {@link DaemonOptions.isReady}. `ca` (PEM) is who has issued the certificate of an https URL. */
export async function answersOk(url: string, ca?: string): Promise<boolean> {
  if (ca !== undefined) return await securelyOk(url, ca)
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}

async function securelyOk(url: string, ca: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const outgoing = get(url, { ca, signal: AbortSignal.timeout(2_000) }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode === 200))
    })
    outgoing.on('error', () => resolve(false))
  })
}
