import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** A process that the demo started. */
export type Child = {
  /** Waits until `isReady` says so. Rejects, with the last words of the process, when it ends before or takes longer than `timeoutMs`, and when `signal` aborts. */
  readonly ready: (isReady: () => Promise<boolean>, options: { timeoutMs: number; signal: AbortSignal }) => Promise<void>
  /** Asks it to end, waits, and ends it by force when that takes longer than `timeoutMs`. Returns what it wrote to {@link REPORT_FD}. */
  readonly stop: (timeoutMs: number) => Promise<string>
  /** Settles when the process has ended. */
  readonly ended: Promise<unknown>
  /** How it ended and its last words, for a message. */
  readonly obituary: () => string
}

export type ChildOptions = {
  readonly name: string
  /** Modules to load first, and the one to run, as file URLs. */
  readonly imports: readonly URL[]
  readonly main: URL
  readonly args?: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

/** Where a child may leave a message for the demo; 3 is the channel that holds it to the life of the demo. */
export const REPORT_FD = 4

/** Last words of a process: enough for a stack trace. */
const LAST_WORDS_CHARACTERS = 4_000
const POLL_MS = 50
const LIFELINE = new URL('./lifeline.ts', import.meta.url)

/** Starts Node on `main`. The process is in its own group: Ctrl-C reaches the demo alone, which ends its children in order. */
export function startChild({ name, imports, main, args = [], env }: ChildOptions): Child {
  const preload = [LIFELINE, ...imports].flatMap((url) => ['--import', url.href])
  const child = spawn(process.execPath, [...preload, fileURLToPath(main), ...args], {
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc', 'pipe'],
  })
  const lastWords = tailOf(child)
  const report = text(child.stdio[REPORT_FD] as Readable).catch(() => '') // a 'pipe' beyond stderr is readable from here
  const ended = once(child, 'close').catch((error: unknown) => error)
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null || child.pid === undefined
  const obituary = () => `${name} ended (${child.signalCode ?? `exit code ${child.exitCode}`})${lastWords()}`

  return {
    ended,
    obituary,
    async ready(isReady, { timeoutMs, signal }) {
      const deadline = Date.now() + timeoutMs
      while (!(await isReady())) {
        if (hasEnded()) throw new Error(obituary())
        if (Date.now() > deadline) throw new Error(`${name} was not ready after ${timeoutMs / 1_000} s${lastWords()}`)
        await sleep(POLL_MS, undefined, { signal })
      }
    },
    async stop(timeoutMs) {
      if (!hasEnded()) child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
      await ended
      clearTimeout(timer)
      return await report
    },
  }
}

function tailOf(child: ChildProcess): () => string {
  let tail = ''
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    tail = (tail + chunk).slice(-LAST_WORDS_CHARACTERS)
  })
  child.stdout?.resume() // log lines, which are in the database
  return () => (tail.trim() ? `; its last words:\n${tail.trim()}` : ' without a word')
}
