/** Jaeger with the configuration that we ship, on a loopback address of its own. */
import { globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { answersOk, createDaemon, type Daemon } from './daemon.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

export type Jaeger = Daemon & {
  /** Takes OTLP/HTTP. */
  readonly url: string
  /** Span names of a trace; empty when Jaeger does not have it. */
  spansOf(traceId: string): Promise<readonly string[]>
  /** Ends it and removes its data. */
  remove(): Promise<void>
}

/** @param host 127.x.y.z that no other test uses */
export function createJaeger(host: string): Jaeger {
  const program = globSync(join(ROOT, '.cache/jaeger-*/jaeger')).sort().at(-1)
  if (program === undefined) throw new Error('There is no .cache/jaeger-*; run test/engines/setup.sh')
  const folder = mkdtempSync(join(tmpdir(), 'tts-otel-jaeger-'))
  const daemon = createDaemon({
    name: 'Jaeger',
    program,
    args: ['--config', join(ROOT, 'deploy/jaeger.yaml')],
    env: { JAEGER_LISTEN: host, JAEGER_DIR: folder },
    isReady: () => answersOk(`http://${host}:16686/api/services`),
  })
  return Object.assign(daemon, {
    url: `http://${host}:4318`,
    async spansOf(traceId: string) {
      const response = await fetch(`http://${host}:16686/api/traces/${traceId}`)
      const { data }: { data: { spans: { operationName: string }[] }[] | null } = JSON.parse(await response.text())
      return (data ?? []).flatMap(({ spans }) => spans.map(({ operationName }) => operationName))
    },
    async remove() {
      await daemon.end('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  })
}
