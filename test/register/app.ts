import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Ended, runNode, testedNode } from '../support/run-node.ts'

export const REGISTER = fileURLToPath(new URL('../../src/register.ts', import.meta.url))

/** The path of an app in `test/fixtures/register`. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/register/${name}`, import.meta.url))
}

export type AppOptions = {
  /** Of the app. */
  readonly args?: readonly string[]
  readonly endpoint: string
  readonly env?: Readonly<Record<string, string>>
  /** Node options before the app. Default: `--import` of register. */
  readonly flags?: readonly string[]
}

export type SignalOptions = AppOptions & { readonly gapMs?: number }

/** Runs a fixture under register to its end. */
export function runApp(name: string, { endpoint, env, args = [], flags = ['--import', REGISTER] }: AppOptions): Promise<Ended> {
  return runNode([...flags, fixture(name), ...args], { env: { ...environment(endpoint), ...env } })
}

/** Runs a fixture until it prints `ready`, sends the signals `gapMs` apart, and waits for the end. */
export function signalApp(name: string, signals: readonly NodeJS.Signals[], { endpoint, env, gapMs = 0 }: SignalOptions): Promise<Ended> {
  const state = mkdtempSync(join(tmpdir(), 'tts-otel-state-'))
  const child = spawn(testedNode(), ['--import', REGISTER, fixture(name)], {
    env: { PATH: process.env.PATH ?? '', XDG_STATE_HOME: state, ...environment(endpoint), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 20_000,
    killSignal: 'SIGKILL',
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    if (text.includes('ready')) for (const [index, signal] of signals.entries()) setTimeout(() => child.kill(signal), index * gapMs)
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

function environment(endpoint: string): Record<string, string> {
  return { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }
}
