// An app as its author would write it, with nothing of ours: node plain-sender.mjs <http|proto> <url>
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'

const [, , flavour, url] = process.argv
const { OTLPTraceExporter } = await import(`@opentelemetry/exporter-trace-otlp-${flavour}`)
const { OTLPLogExporter } = await import(`@opentelemetry/exporter-logs-otlp-${flavour}`)

const exporters = { compression: 'gzip', headers: { authorization: 'Bearer ingest' } }
const traces = new OTLPTraceExporter({ url: `${url}/v1/traces`, ...exporters })
const tracers = new TracerProvider({ spanProcessors: [new BatchSpanProcessor({ exporter: traces })] })
const logs = new OTLPLogExporter({ url: `${url}/v1/logs`, ...exporters })
const loggers = new LoggerProvider({ processors: [new BatchLogRecordProcessor({ exporter: logs })] })

for (let i = 0; i < 20; i++) {
  const span = tracers.getTracer('plain').startSpan(`span ${i}`, { attributes: { i, voices: ['Kore', 'Puck'] } })
  loggers.getLogger('plain').emit({ body: `message ${i}`, severityNumber: 9, severityText: 'INFO' })
  span.end()
}
await tracers.shutdown()
await loggers.shutdown()
