/** An SDK in memory with our context manager, for what the instrumentations write. */
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { context, metrics, propagation, trace } from '@opentelemetry/api'
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  AggregationTemporality,
  type DataPoint,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { type ReadableSpan, TracerProvider } from '@opentelemetry/sdk-trace'
import { expect } from 'vitest'
import { createContextManager } from '../../src/context-manager.ts'
import { currentRequest } from '../../src/request-context.ts'

export type Telemetry = {
  readonly contextManager: ReturnType<typeof createContextManager>
  /** Ended spans, oldest first. */
  readonly spans: ReadableSpan[]
  /** The span of this name; fails the test when there is none. */
  span(name: string): ReadableSpan
  points(metric: string): Promise<readonly DataPoint<unknown>[]>
  reset(): void
}

/** Registers globally; one for each test file, before anything is instrumented. */
export function startTelemetry(): Telemetry {
  const contextManager = createContextManager()
  const spans: ReadableSpan[] = []
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const processor = {
    // As the SDK's own processor names the request.
    onStart(span: ReadableSpan) {
      const request = currentRequest()
      if (request) span.attributes.request_id = request.requestId
    },
    onEnd(span: ReadableSpan) {
      const userId = currentRequest()?.userId
      if (userId !== undefined) span.attributes.user_id ??= userId
      spans.push(span)
    },
    forceFlush: async () => {},
    shutdown: async () => {},
  }
  context.setGlobalContextManager(contextManager)
  propagation.setGlobalPropagator(new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }))
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [processor] }))
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))
  return {
    contextManager,
    spans,
    span(name) {
      const found = spans.find((span) => span.name === name)
      expect(found, `a span named ${name} among ${spans.map((span) => span.name).join(', ')}`).toBeDefined()
      return found!
    },
    async points(metric) {
      await reader.forceFlush()
      const latest = exporter.getMetrics().at(-1)
      const all = latest?.scopeMetrics.flatMap((scope) => scope.metrics) ?? []
      return all.find(({ descriptor }) => descriptor.name === metric)?.dataPoints ?? []
    },
    reset: () => void spans.splice(0),
  }
}

/** A server on a free port of this machine. */
export async function listen(server: Server | RequestListener): Promise<{ url: string; port: number; close(): Promise<void> }> {
  const listening = typeof server === 'function' ? createServer(server) : server
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  const { port } = listening.address() as AddressInfo
  const close = () =>
    new Promise<void>((resolve) => {
      listening.close(() => resolve())
      listening.closeAllConnections()
    })
  return { url: `http://127.0.0.1:${port}`, port, close }
}

/** Spans end after the answer has arrived: waits until `count` have, and fails when that takes longer than ten seconds. */
export async function waitForSpans({ spans }: Telemetry, count: number): Promise<readonly ReadableSpan[]> {
  for (let tries = 0; spans.length < count && tries < 1_000; tries++) await new Promise((resolve) => setTimeout(resolve, 10))
  expect(spans.map(({ name }) => name)).toHaveLength(count)
  return spans
}
