/** The collector as a program in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { testedNode } from '../../support/run-node.ts'

const MAIN = fileURLToPath(new URL('../../../collector/src/main.ts', import.meta.url))

export type Program = {
  /** Of its first line on stdout. */
  readonly url: string
  readonly pid: number
  readonly output: () => string
  /** Sends the signal and gives the exit code, or the signal that ended it. */
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null>
}

export type Launched = Pick<Program, 'end'> & { readonly child: ChildProcess; readonly texts: { stdout: string; stderr: string } }

export type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

/** Starts the program on a free port and waits for its line. Rejects with its output when it ends instead. */
export async function startProgram(env: Readonly<Record<string, string>>): Promise<Program> {
  const { child, texts, end } = launch({ COLLECTOR_LISTEN: '127.0.0.1:0', ...env })
  for (;;) {
    const url = /listening on (\S+),/.exec(texts.stdout)?.[1]
    if (url !== undefined) return { url, pid: child.pid!, output: () => texts.stdout + texts.stderr, end }
    const ended = child.exitCode ?? child.signalCode
    if (ended !== null) throw new Error(`the collector ended with ${ended}: ${texts.stdout}${texts.stderr}`)
    await sleep(50)
  }
}

/** Runs the program to its end; for what cannot start. */
export async function runProgram(env: Readonly<Record<string, string>>, words: readonly string[] = []): Promise<Ended> {
  const { child, texts } = launch(env, words)
  const [code] = await once(child, 'close')
  return { code, ...texts }
}

/** Starts the program and waits for nothing. */
export function launch(env: Readonly<Record<string, string>>, words: readonly string[] = []): Launched {
  const folder = mkdtempSync(join(tmpdir(), 'tts-otel-data-'))
  const child = spawn(testedNode(), [MAIN, ...words], {
    env: { PATH: process.env.PATH ?? '', COLLECTOR_DATA_DIR: folder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 240_000,
    killSignal: 'SIGKILL',
  })
  const texts = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (texts.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (texts.stderr += text))
  const exit = once(child, 'exit')
  child.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return {
    child,
    texts,
    async end(signal) {
      child.kill(signal)
      const [code, by] = await exit
      return code ?? by
    },
  }
}

/** Sends that many log records of one process, as OTLP over HTTP; gives the status of the answer. */
export async function sendLogs(url: string, instance: string, records: number): Promise<number> {
  const attributes = [{ key: 'service.instance.id', value: { stringValue: instance } }]
  const logRecords = Array.from({ length: records }, (_, index) => ({
    timeUnixNano: `${Date.now()}000000`,
    body: { stringValue: `${instance} ${index}` },
  }))
  const body = JSON.stringify({ resourceLogs: [{ resource: { attributes }, scopeLogs: [{ logRecords }] }] })
  const response = await fetch(`${url}/v1/logs`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  await response.arrayBuffer()
  return response.status
}

export async function countLogs(url: string, instance: string): Promise<number> {
  const response = await fetch(`${url}/api/logs?limit=1000&instance_id=${instance}`)
  const answer = await response.text()
  return JSON.parse(answer).logs.length
}
