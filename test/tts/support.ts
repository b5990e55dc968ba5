/** The real SDK in memory, registered globally, for what speech requests and loggers write. */
import { context, logs, metrics, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  type MetricData,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'

export type Point = { readonly attributes: Readonly<Record<string, unknown>>; readonly value: unknown }

/** Registers; `stop` takes everything back, so that the next test starts unregistered. */
export function startTelemetry() {
  const spans = new InMemorySpanExporter()
  const records = new InMemoryLogRecordExporter()
  const points = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter: points, exportIntervalMillis: 3_600_000 })
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] }))
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))
  logs.setGlobalLoggerProvider(new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter: records })] }))

  async function collect(): Promise<readonly MetricData[]> {
    await reader.forceFlush()
    const latest = points.getMetrics().at(-1)
    return latest?.scopeMetrics.flatMap((scope) => scope.metrics) ?? []
  }

  return {
    spans: () => spans.getFinishedSpans(),
    records: () => records.getFinishedLogRecords(),
    metrics: collect,
    async points(name: string): Promise<readonly Point[]> {
      const all = await collect()
      return all.find(({ descriptor }) => descriptor.name === name)?.dataPoints ?? []
    },
    stop(): void {
      for (const api of [context, trace, metrics, logs]) api.disable()
    },
  }
}
