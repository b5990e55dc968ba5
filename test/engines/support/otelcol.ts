/** The official collector of collector/otelcol/builder-config.yaml with the configuration that we ship. */
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { answersOk, createDaemon, type Daemon } from './daemon.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const PROGRAM = join(ROOT, '.cache/otelcol/tts-otelcol')

export const CONFIG = 'otel-collector-config.yaml'
export const TLS = 'collector/otelcol/tls.yaml'

export const INGEST_TOKEN = 'ingest-token-of-the-test'
export const FANOUT_TOKEN = 'fanout-token-of-the-test'

export type Otelcol = Daemon & {
  /** OTLP/HTTP; senders show {@link INGEST_TOKEN}. */
  readonly url: string
  /** What Prometheus scrapes of the apps and the spans, and of the collector itself. */
  readonly scraped: { readonly apps: string; readonly own: string }
  /** What it has counted itself, over all labels but these; 0 where it has never counted. */
  counted(metric: string, labels?: Readonly<Record<string, string>>): Promise<number>
  /** Ends it and removes its queue. */
  remove(): Promise<void>
}

export type OtelcolOptions = {
  readonly env?: Readonly<Record<string, string>>
  /** Its configuration, paths from the root. Default: {@link CONFIG} alone. */
  readonly files?: readonly string[]
}

/**
 * The ports are those of the configuration, on a loopback address of its own.
 *
 * @param host 127.x.y.z that no other test uses
 */
export function createOtelcol(host: string, { env = {}, files = [CONFIG] }: OtelcolOptions = {}): Otelcol {
  const folder = mkdtempSync(join(tmpdir(), 'tts-otel-otelcol-'))
  const daemon = createDaemon({
    name: 'The OpenTelemetry Collector',
    program: findProgram(),
    args: configWords(files),
    env: { OTELCOL_LISTEN: host, OTELCOL_QUEUE_DIR: join(folder, 'queue'), INGEST_TOKEN, FANOUT_TOKEN, ...env },
    isReady: () => answersOk(`http://${host}:13133/`),
  })
  return Object.assign(daemon, {
    url: `${files.includes(TLS) ? 'https' : 'http'}://${host}:4318`,
    scraped: { apps: `${host}:8889`, own: `${host}:8888` },
    async counted(metric: string, labels: Readonly<Record<string, string>> = {}) {
      const lines = (await (await fetch(`http://${host}:8888/metrics`)).text()).split('\n')
      const asked = Object.entries(labels).map(([name, value]) => `${name}="${value}"`)
      const found = lines.filter((line) => line.startsWith(`${metric}{`) && asked.every((label) => line.includes(label)))
      return found.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
    },
    async remove() {
      await daemon.end('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  })
}

/** What `validate` says of these configuration files together, paths from the root: '' when they are right. */
export async function validate(files: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
  const run = promisify(execFile)(findProgram(), ['validate', ...configWords(files)], { env, timeout: 60_000 })
  return await run.then(
    ({ stdout, stderr }) => stdout + stderr,
    (error: { stdout: string; stderr: string }) => error.stdout + error.stderr,
  )
}

function configWords(files: readonly string[]): string[] {
  return files.flatMap((file) => ['--config', join(ROOT, file)])
}

function findProgram(): string {
  if (!existsSync(PROGRAM)) throw new Error(`There is no ${PROGRAM}; run test/engines/setup.sh`)
  return PROGRAM
}
