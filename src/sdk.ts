import {
  createNoopLogger,
  createNoopMeter,
  type LoggerProvider,
  type MeterProvider,
  ProxyTracerProvider,
  type TextMapPropagator,
  type TracerProvider,
} from '@opentelemetry/api'
import type { Config } from './config.ts'
import { createContextManager, type EnterableContextManager } from './context-manager.ts'
import { createDeliveries } from './deliveries.ts'
import { reportHealth } from './delivery/health-metrics.ts'
import { createStats, type Stats, type TelemetryHealth } from './delivery/stats.ts'
import { createExceptionLogs } from './exceptions.ts'
import { createLineWriter } from './log/console.ts'
import { createRedactor } from './log/redact.ts'
import { createLogs } from './logs.ts'
import { createMetrics } from './metrics.ts'
import { createOpenSpans } from './open-spans.ts'
import { createPropagator } from './propagation.ts'
import { createResource } from './resource.ts'
import { redactScopes } from './scopes.ts'
import { createTraces } from './traces.ts'
import type { Chunk } from './wire/signal.ts'

/** A running SDK. Nothing of it is global: `register` makes it so. */
export type Sdk = {
  readonly tracerProvider: TracerProvider
  readonly meterProvider: MeterProvider
  readonly loggerProvider: LoggerProvider
  readonly propagator: TextMapPropagator
  readonly contextManager: EnterableContextManager
  /** Collects the metrics and sends all that waits. True when everything was acknowledged in time. Default: the configured shutdown time. */
  readonly forceFlush: (timeoutMs?: number) => Promise<boolean>
  /** The last `forceFlush` of a process that ends gracefully: no metrics are collected after it, and a collector that is away is not waited for. */
  readonly finish: (timeoutMs?: number) => Promise<boolean>
  /** As `finish`, and the end: what is left or made later is counted as `undelivered`. A collector that is away is not waited for. */
  readonly shutdown: (timeoutMs?: number) => Promise<boolean>
  /**
   * The last breath of a process, synchronous: encodes all that is queued and puts on disk whatever is neither acknowledged nor there yet.
   * Gives the chunks that may be posted once more, those of an earlier call not again. Nothing after `shutdown` has ended. Never throws.
   */
  readonly drainSync: () => readonly Chunk[]
  /** Ends the spans that are open, with the attribute `tts.interrupted`: before a `shutdown` or `drainSync` that is the end. */
  readonly interruptSpans: () => void
  /** Says that the collector took these chunks of `drainSync`: they are counted as sent and not kept on disk. */
  readonly acknowledgeTail: (chunks: readonly Chunk[]) => void
  /** After `drainSync`: leaves the spool to anybody, counts what could not be kept, and says in one line what was lost. The end; never throws. */
  readonly closeSpoolSync: () => void
  /** The last answer, or the want of one, was a failure. False when nothing has been sent yet. */
  readonly lastSendFailed: () => boolean
  /** What became of every span, log record and metric point so far. */
  readonly stats: () => TelemetryHealth
}

export type SdkParts = {
  /** Gets one sentence about a problem, without line end, at most once a minute for each kind. Default: stderr, after `tts-otel: `. */
  readonly warn?: (message: string) => void
}

/**
 * CREATE: Config -> Sdk. Touches no global and no environment.
 *
 *     tracerProvider ─► redact ─┐
 *     loggerProvider ─► redact ─┼─► pipeline (one for each signal) ─► collector
 *     meterProvider ──► redact ─┘      └──► disk ──┘
 */
export function createSdk(config: Config, { warn = warnOnStderr }: SdkParts = {}): Sdk {
  const stats = createStats()
  if (config.disabled) return createNoopSdk(config, stats)
  const redactor = createRedactor(config.log)
  const resource = createResource(config, redactor)
  const delivery = createDeliveries({ config, stats, warn })
  const { pipelines } = delivery

  const loggerProvider = createLogs({ config, resource, redactor, pipeline: pipelines.logs })
  const takeExceptions = config.exceptions === 'events' ? undefined : createExceptionLogs(loggerProvider, config.exceptions)
  const counters = stats.of('traces')
  const openSpans = createOpenSpans()
  const tracerProvider = createTraces({ config, resource, redactor, pipeline: pipelines.traces, counters, openSpans, takeExceptions })
  const onFirst = (provider: MeterProvider) => reportHealth(provider, stats.snapshot)
  const metrics = createMetrics({ config, resource, redactor, pipeline: pipelines.metrics, onFirst })
  redactScopes({ tracerProvider, meterProvider: metrics.provider, loggerProvider }, redactor)

  /** What the app measures is collected first, by functions of the app that may hang: half of the time is left to send it. */
  async function end(method: 'forceFlush' | 'finish' | 'shutdown', timeoutMs: number): Promise<boolean> {
    const endMs = performance.now() + timeoutMs
    await metrics.collect(timeoutMs / 2)
    if (method !== 'forceFlush') metrics.stop()
    return delivery[method](Math.max(1, endMs - performance.now()))
  }

  return {
    tracerProvider,
    meterProvider: metrics.provider,
    loggerProvider,
    propagator: createPropagator(config, redactor),
    contextManager: createContextManager(),
    forceFlush: (timeoutMs = config.shutdownTimeoutMs) => end('forceFlush', timeoutMs),
    finish: (timeoutMs = config.shutdownTimeoutMs) => end('finish', timeoutMs),
    shutdown: (timeoutMs = config.shutdownTimeoutMs) => end('shutdown', timeoutMs),
    drainSync: delivery.drainSync,
    interruptSpans: openSpans.interrupt,
    acknowledgeTail: delivery.acknowledge,
    closeSpoolSync: delivery.closeSync,
    lastSendFailed: delivery.hasFailed,
    stats: stats.snapshot,
  }
}

/** Written at once and past `process.stderr`, whose errors (a closed pipe) would reach the app. */
const writeToStderr = createLineWriter({ fd: 2 })

function warnOnStderr(message: string): void {
  writeToStderr(`tts-otel: ${message}\n`)
}

/** `OTEL_SDK_DISABLED`: no telemetry, but contexts still travel, as the specification asks. */
function createNoopSdk(config: Config, stats: Stats): Sdk {
  return {
    tracerProvider: new ProxyTracerProvider(),
    meterProvider: { getMeter: () => createNoopMeter() },
    loggerProvider: { getLogger: () => createNoopLogger() },
    propagator: createPropagator(config, createRedactor(config.log)),
    contextManager: createContextManager(),
    forceFlush: async () => true,
    finish: async () => true,
    shutdown: async () => true,
    drainSync: () => [],
    interruptSpans: () => {},
    acknowledgeTail: () => {},
    closeSpoolSync: () => {},
    lastSendFailed: () => false,
    stats: stats.snapshot,
  }
}
