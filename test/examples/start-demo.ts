import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const START = fileURLToPath(new URL('../../examples/start.ts', import.meta.url))

/** The demo boots a database; on a busy machine that alone can take half a minute. */
export const DEMO_TIMEOUT_MS = 120_000

/** Starts `npm start` without npm, in a folder of its own, so that its data is removed with it; `settings` are added to the environment. */
export async function startDemo(args: readonly string[], settings: Readonly<Record<string, string>> = {}): Promise<ChildProcess> {
  const { GEMINI_API_KEY: _, DATABASE_URL: __, ...env } = process.env
  const folder = await mkdtemp(join(tmpdir(), 'tts-otel-demo-test-'))
  const demo = spawn(process.execPath, [START, ...args], {
    cwd: folder,
    env: { ...env, ...settings, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(async () => {
    if (demo.exitCode === null && demo.signalCode === null) demo.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  })
  return demo
}
