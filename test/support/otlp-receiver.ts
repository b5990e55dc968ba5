import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'

/** A span, log record or data point as OTLP/JSON spells it; only what tests look at. */
export type OtlpItem = {
  readonly name?: string
  readonly traceId?: string
  readonly spanId?: string
  readonly parentSpanId?: string
  readonly kind?: number
  readonly status?: { readonly code?: number; readonly message?: string }
  readonly severityNumber?: number
  readonly severityText?: string
  readonly body?: { readonly stringValue?: string }
  readonly attributes?: readonly { readonly key: string; readonly value: Record<string, unknown> }[]
  readonly eventName?: string
  readonly events?: readonly OtlpItem[]
  readonly sum?: { readonly dataPoints: readonly { readonly asDouble?: number }[] }
}

export type OtlpReceiver = {
  readonly url: string
  readonly spans: OtlpItem[]
  readonly logs: OtlpItem[]
  readonly metrics: OtlpItem[]
  /** Of each request, as an item with attributes only. */
  readonly resources: OtlpItem[]
  close(): Promise<void>
}

/**
 * A real OTLP/HTTP server for tests that keeps what it was sent. It reads JSON only, so the sender under test gets
 * `OTEL_EXPORTER_OTLP_PROTOCOL=http/json`. `port` is for a collector that comes back.
 */
export async function startOtlpReceiver(port = 0): Promise<OtlpReceiver> {
  const kept = { spans: [] as OtlpItem[], logs: [] as OtlpItem[], metrics: [] as OtlpItem[], resources: [] as OtlpItem[] }
  const server = createServer(async (request, response) => {
    if (request.method !== 'POST') return void response.writeHead(404).end()
    const body = JSON.parse((await readBody(request)).toString('utf8'))
    for (const { resource } of body.resourceSpans ?? body.resourceLogs ?? body.resourceMetrics ?? []) kept.resources.push(resource)
    for (const { scopeSpans } of body.resourceSpans ?? []) for (const { spans } of scopeSpans) kept.spans.push(...spans)
    for (const { scopeLogs } of body.resourceLogs ?? []) for (const { logRecords } of scopeLogs) kept.logs.push(...logRecords)
    for (const { scopeMetrics } of body.resourceMetrics ?? []) for (const { metrics } of scopeMetrics) kept.metrics.push(...metrics)
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening))
  return {
    ...kept,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((closed) => {
        server.close(() => closed())
        server.closeAllConnections()
      }),
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part)
  const body = Buffer.concat(parts)
  if (request.headers['content-encoding'] === 'gzip') return gunzipSync(body)
  if (request.headers['content-encoding'] === 'zstd') return zstdDecompressSync(body)
  return body
}

/** The plain value of one attribute, or undefined. */
export function attribute(item: OtlpItem | undefined, key: string): unknown {
  const found = item?.attributes?.find((candidate) => candidate.key === key)
  return found && Object.values(found.value)[0]
}
