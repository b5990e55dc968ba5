import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type Ended = {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export type RunOptions = {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** The Node binary; `test/nodes/check.ts` runs the bundle's tests on several. Default: the one that runs the tests. */
  readonly node?: string
  /** Ends the child by SIGKILL, so that a hang fails a test instead of stopping the run. Default 20,000. */
  readonly timeoutMs?: number
  /** Called once, when the child has printed `ready`. */
  readonly onReady?: (child: ChildProcess) => void
}

/** Runs `node …args` to its end. The child sees PATH, HOME, a state directory of its own and `env`, nothing else of this process's environment. */
export function runNode(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const { env = {}, cwd, node, timeoutMs = 20_000 } = options
  const state = mkdtempSync(join(tmpdir(), 'tts-otel-state-'))
  const child = spawn(node ?? testedNode(), args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', XDG_STATE_HOME: state, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const wasReady = stdout.includes('ready')
    stdout += text
    if (!wasReady && stdout.includes('ready')) options.onReady?.(child)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      rmSync(state, { recursive: true, force: true })
      resolve({ code, signal, stdout, stderr })
    })
  })
}

/** The Node binary under test. */
export function testedNode(): string {
  return process.env.TTS_OTEL_TEST_NODE ?? process.execPath
}
