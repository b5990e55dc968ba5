/** What a bench sends to, each in a process of its own, and what that process takes. */
import { execFileSync, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createDaemon } from '../../test/engines/support/daemon.ts'
import { isTaken } from '../../test/engines/support/is-taken.ts'

export type Receiver = { readonly program: string; readonly args: readonly string[]; readonly env: Readonly<Record<string, string>> }

/** A receiver that runs: where it is, and which process it is. */
export type Running = { readonly url: string; readonly pid: number }

/** Our collector, from its sources, started as collector/Dockerfile starts it. */
export function collector(env: Readonly<Record<string, string>>): Receiver {
  const { args, ...rest } = node('../../collector/src/main.ts', { COLLECTOR_LISTEN: '127.0.0.1:0', ...env })
  return { ...rest, args: ['--initial-old-space-size=128', ...args] }
}

/** A script that prints `listening on http://…` as our collector does. */
export function node(script: string, env: Readonly<Record<string, string>> = {}): Receiver {
  return { program: process.execPath, args: [fileURLToPath(new URL(script, import.meta.url))], env }
}

/** The official collector with one exporter that throws away what it gets. Builds it, the first time. */
export function officialCollector(exporter: 'debug' | 'nop'): Receiver {
  const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url))
  execFileSync('bash', [path('test/engines/otelcol/install.sh'), path('bench/peers/otelcol/builder-config.yaml')], { stdio: 'ignore' })
  const env = { OTELCOL_LISTEN: '127.0.0.1:43180', OTELCOL_EXPORTER: exporter }
  return { program: path('.cache/otelcol/bench-otelcol'), args: ['--config', path('bench/peers/otelcol/config.yaml')], env }
}

export async function withReceiver<T>(receiver: Receiver, work: (running: Running) => Promise<T>): Promise<T> {
  const { OTELCOL_LISTEN } = receiver.env
  const url = () => (OTELCOL_LISTEN ? `http://${OTELCOL_LISTEN}` : /listening on (http:[^,\s]+),/.exec(daemon.output())?.[1])
  const isReady = async () => (OTELCOL_LISTEN ? await isTaken(OTELCOL_LISTEN) : url() !== undefined)
  const daemon = createDaemon({ name: receiver.program, ...receiver, isReady })
  await daemon.start()
  try {
    return await work({ url: url() ?? '', pid: daemon.pid ?? 0 })
  } finally {
    await daemon.end('SIGTERM')
  }
}

export type Sending = {
  readonly url: string
  /** Of requests: see corpus.ts. */
  readonly file: string
  readonly connections: number
  readonly requestsMax?: number
  /** How often all of them. */
  readonly times?: number
}

export type Sent = { readonly ms: number; readonly statuses: Readonly<Record<string, number>> }

/** Posts the requests of a file from a process of its own. */
export async function send({ url, file, connections, requestsMax = 1e9, times = 1 }: Sending): Promise<Sent> {
  return JSON.parse(await outputOf('./send.ts', [url, file, connections, requestsMax, times].map(String)))
}

/** What a script of this folder prints. */
export async function outputOf(script: string, words: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [fileURLToPath(new URL(script, import.meta.url)), ...words], {
    env: { PATH: process.env.PATH ?? '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part))
  const code = await new Promise((resolve) => child.on('close', resolve))
  if (code !== 0) throw new Error(`${script} ended with ${code}`)
  return text
}

export function rssMibOf(pid: number): number {
  return Math.round(Number(/^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024)
}

/** Of a process and of the children that it had and has. */
export function cpuMsOfAll(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)
  return [...children.map(Number), pid].reduce((sum, each) => sum + cpuMsOf(each), 0)
}

/**
 * User and system time in ms, that of ended children included; the clock of /proc ticks a hundred times a second.
 * https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */
export function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) * 10, 0)
}
