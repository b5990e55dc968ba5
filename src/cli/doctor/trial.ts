import { spawn } from 'node:child_process'
import type { Environment } from '../../config-reader.ts'
import { type Preload, writeNodeOptions } from './preloads.ts'
import { MARK, type Seen, TRACKER } from './probe.ts'

export type TrialOptions = {
  /** What Node loads before tts-otel/register. */
  readonly before: readonly Preload[]
  /** The other words of `NODE_OPTIONS`. */
  readonly others: readonly string[]
  readonly folder: string
  readonly env: Environment
  readonly timeoutMs: number
}

export type Trial =
  | {
      readonly kind: 'started'
      readonly seen: Seen
      /** What register says when somebody else was first. */
      readonly refusal: string | undefined
      /** Names of the start-up line. */
      readonly instrumented: string | undefined
    }
  | { readonly kind: 'failed'; readonly reason: string }

/** Of what the child says; a preload in a loop must not fill our memory. */
const OUTPUT_CHARACTERS_MAX = 1_000_000
/** Of a reason. */
const REASON_CHARACTERS_MAX = 300

/** Nothing of the trial leaves the process, and register tells what it does. */
const TRIAL_SETTINGS = {
  OTEL_TRACES_EXPORTER: 'none',
  OTEL_METRICS_EXPORTER: 'none',
  OTEL_LOGS_EXPORTER: 'none',
  OTEL_LOG_LEVEL: 'info',
  TTS_OTEL_STRICT: '0',
}

/**
 * Starts a process as the app is started, up to and with tts-otel/register, and asks it what it saw. The app itself is not run.
 *
 *     node --require a --import TRACKER --import b <this program> doctor-probe
 */
export async function runTrial({ before, others, folder, env, timeoutMs }: TrialOptions): Promise<Trial> {
  const flags = (flag: Preload['flag']) => before.filter((preload) => preload.flag === flag).flatMap(({ specifier }) => [flag, specifier])
  const words = [...flags('--require'), '--import', TRACKER, ...flags('--import'), process.argv[1] ?? '', 'doctor-probe']
  const child = spawn(process.execPath, words, {
    cwd: folder,
    env: { ...env, NODE_OPTIONS: writeNodeOptions(others), ...TRIAL_SETTINGS },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  })
  const texts = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      if (texts[name].length < OUTPUT_CHARACTERS_MAX) texts[name] += text
    })
  const { promise, resolve } = Promise.withResolvers<Trial>()
  child.on('error', (error) => resolve({ kind: 'failed', reason: error.message }))
  child.on('close', (code, signal) =>
    resolve(readTrial(texts, signal === 'SIGKILL' ? `it took longer than ${timeoutMs} ms` : `exit code ${code}`)),
  )
  return await promise
}

function readTrial({ stdout, stderr }: { readonly stdout: string; readonly stderr: string }, end: string): Trial {
  const answer = stdout.split('\n').find((line) => line.startsWith(MARK))
  if (answer === undefined) return { kind: 'failed', reason: (readError(stderr) ?? end).slice(0, REASON_CHARACTERS_MAX) }
  return {
    kind: 'started',
    seen: JSON.parse(answer.slice(MARK.length)),
    refusal: /^tts-otel: ((?:no|cannot) .*)$/m.exec(stderr)?.[1],
    instrumented: /^tts-otel: \S+ .* → .* \(([^()]*)\)$/m.exec(stderr)?.[1],
  }
}

/** The line of an error that tells what happened: `Error: Cannot find module './trace.js'`. */
function readError(stderr: string): string | undefined {
  return /^(?:Uncaught )?\w*Error(?: \[\w+\])?: .*$/m.exec(stderr)?.[0]
}
