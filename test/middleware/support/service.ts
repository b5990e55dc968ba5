import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { attribute, type OtlpItem, startOtlpReceiver } from '../../support/otlp-receiver.ts'
import { testedNode } from '../../support/run-node.ts'

export type Framework = 'fastify' | 'express' | 'express-4' | 'hono'

/** A line of the log, as JSON has it. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly level: string; readonly message: string; readonly request_id?: string }

export type Service = {
  readonly port: number
  /** Of this request, oldest first. */
  logsOf(requestId: string): readonly LogLine[]
  /** Everything that was written to the log. */
  readonly logs: readonly LogLine[]
  /** Spans that registration sent; none without it. */
  readonly spans: readonly OtlpItem[]
  readonly isRegistered: boolean
  /** Log records that registration sent. */
  readonly records: readonly OtlpItem[]
  /** The server span of this request. */
  spanOf(requestId: string): OtlpItem | undefined
  /** The last value of a sum without attributes. */
  sum(metric: string): number | undefined
  stop(): Promise<void>
}

/** The kind of a server's span in OTLP. */
const SERVER = 2

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** Starts a service in a process of its own, with `--import register` or without. */
export async function startService(
  framework: Framework,
  isRegistered: boolean,
  env: Readonly<Record<string, string>> = {},
): Promise<Service> {
  const receiver = await startOtlpReceiver()
  const flags = isRegistered ? ['--import', here('../../../src/register.ts')] : []
  const child = spawn(testedNode(), [...flags, here('serve.ts'), framework], {
    env: {
      PATH: process.env.PATH ?? '',
      LOG_FORMAT: 'json',
      LOG_LEVEL: 'INFO',
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '20',
      OTEL_METRIC_EXPORT_INTERVAL: '100',
      TTS_OTEL_SPOOL_MAX_MB: '0',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const logs: LogLine[] = []
  createInterface({ input: child.stdout! }).on('line', (line) => line.startsWith('{') && logs.push(JSON.parse(line)))
  const port = await portOf(child)
  return {
    port,
    logs,
    logsOf: (requestId) => logs.filter((line) => line.request_id === requestId),
    spans: receiver.spans,
    isRegistered,
    records: receiver.logs,
    spanOf: (requestId) => receiver.spans.find((span) => span.kind === SERVER && attribute(span, 'request_id') === requestId),
    sum: (metric) => receiver.metrics.findLast(({ name }) => name === metric)?.sum?.dataPoints[0]?.asDouble,
    async stop() {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
      await receiver.close()
    },
  }
}

async function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve((message as { port: number }).port))
    child.once('exit', (code) => reject(new Error(`the service ended with ${code}`)))
  })
}

export type Ask = {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export type Told = {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
  /** The whole answer came. */
  readonly isComplete: boolean
}

/** One request on a connection of its own, by a bare client. */
export function ask(port: number, { method = 'GET', path, headers = {}, body }: Ask): Promise<Told> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent: false }, (response) => {
      let text = ''
      const end = () => resolve({ status: response.statusCode!, headers: response.headers, body: text, isComplete: response.complete })
      response.setEncoding('utf8').on('data', (part) => (text += part))
      response.on('end', end).on('error', end)
    })
    request.on('error', reject).end(body)
  })
}

/** Waits until `read` gives what is expected of it: records and spans come after the answer. */
export function eventually<T>(read: () => T) {
  return expect.poll(read, { interval: 5, timeout: 5_000 })
}
