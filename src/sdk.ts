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
import { createConsoleExporter } from './console-exporter.ts'
import { createContextManager, type EnterableContextManager } from './context-manager.ts'
import { createPipeline, type Pipeline } from './delivery/pipeline.ts'
import type { PostOptions } from './delivery/post.ts'
import { createStats, type Stats, type TelemetryHealth } from './delivery/stats.ts'
import { createExceptionLogs } from './exceptions.ts'
import { createLineWriter, writeToConsole } from './log/console.ts'
import { createRedactor } from './log/redact.ts'
import { createLogs } from './logs.ts'
import { createMetrics } from './metrics.ts'
import { createPropagator } from './propagation.ts'
import { createResource } from './resource.ts'
import { createTraces } from './traces.ts'
import { createEncoder, type ItemOf } from './wire/encode.ts'
import type { Send } from './wire/outcome.ts'
import type { Chunk, Signal } from './wire/signal.ts'

/** A running SDK. Nothing of it is global: `register` makes it so. */
export type Sdk = {
  readonly tracerProvider: TracerProvider
  readonly meterProvider: MeterProvider
  readonly loggerProvider: LoggerProvider
  readonly propagator: TextMapPropagator
  readonly contextManager: EnterableContextManager
  /** Collects the metrics and sends all that waits. True when everything was acknowledged in time. Default: the configured shutdown time. */
  readonly forceFlush: (timeoutMs?: number) => Promise<boolean>
  /** As `forceFlush`, and the end: what is left or made later is counted as `undelivered`. A collector that is away is not waited for. */
  readonly shutdown: (timeoutMs?: number) => Promise<boolean>
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
 *     meterProvider ──► redact ─┘
 */
export function createSdk(config: Config, { warn = warnOnStderr }: SdkParts = {}): Sdk {
  const stats = createStats()
  if (config.disabled) return createNoopSdk(config, stats)
  const redactor = createRedactor()
  const resource = createResource(config, redactor)
  const outlet = <S extends Signal>(signal: S) => createOutlet({ signal, config, stats, warn })
  const pipelines = { traces: outlet('traces'), metrics: outlet('metrics'), logs: outlet('logs') }

  const loggerProvider = createLogs({ config, resource, redactor, pipeline: pipelines.logs })
  const takeExceptions = config.exceptions === 'events' ? undefined : createExceptionLogs(loggerProvider, config.exceptions)
  const counters = stats.of('traces')
  const tracerProvider = createTraces({ config, resource, redactor, pipeline: pipelines.traces, counters, takeExceptions })
  const metrics = createMetrics({ config, resource, redactor, pipeline: pipelines.metrics })

  /** What the app measures has to be collected first, by functions of the app that may hang: half of the time is left to send it. */
  async function endMetrics(method: 'forceFlush' | 'shutdown', timeoutMs: number): Promise<boolean | undefined> {
    const startMs = performance.now()
    await metrics.collect(timeoutMs / 2)
    if (method === 'shutdown') metrics.stop()
    return pipelines.metrics?.[method](Math.max(1, timeoutMs - (performance.now() - startMs)))
  }

  async function end(method: 'forceFlush' | 'shutdown', timeoutMs: number): Promise<boolean> {
    const { traces, logs } = pipelines
    const results = await Promise.all([traces?.[method](timeoutMs), logs?.[method](timeoutMs), endMetrics(method, timeoutMs)])
    return results.every((delivered) => delivered !== false)
  }

  return {
    tracerProvider,
    meterProvider: metrics.provider,
    loggerProvider,
    propagator: createPropagator(config, redactor),
    contextManager: createContextManager(),
    forceFlush: (timeoutMs = config.shutdownTimeoutMs) => end('forceFlush', timeoutMs),
    shutdown: (timeoutMs = config.shutdownTimeoutMs) => end('shutdown', timeoutMs),
    stats: stats.snapshot,
  }
}

/** Written at once and past `process.stderr`, whose errors (a closed pipe) would reach the app. */
const writeToStderr = createLineWriter({ fd: 2 })

function warnOnStderr(message: string): void {
  writeToStderr(`tts-otel: ${message}\n`)
}

type OutletOptions<S extends Signal> = {
  readonly signal: S
  readonly config: Config
  readonly stats: Stats
  readonly warn: (message: string) => void
}

/** Where one signal goes; undefined for `none`. */
function createOutlet<S extends Signal>({ signal, config, stats, warn }: OutletOptions<S>): Pipeline<ItemOf[S]> | undefined {
  const { exporters, queue, encoding, ...connection } = config.signals[signal]
  const outlets = exporters.map((exporter) => {
    if (exporter === 'console') return createConsoleExporter(signal, writeToConsole)
    const send = postLater({ ...connection, proxy: config.proxy })
    return createPipeline({ signal, encoder: createEncoder(signal, encoding), send, limits: queue, stats, warn })
  })
  return outlets.length < 2 ? outlets[0] : joinPipelines(outlets)
}

/** TLS and zlib take longer to load than all the rest: they come with the first request. */
function postLater(options: PostOptions): Send<Chunk> {
  let loading: Promise<Send<Chunk>> | undefined
  return async (chunk, signal) => {
    try {
      loading ??= import('./delivery/post.ts').then(({ createPost }) => createPost(options))
      return await (await loading)(chunk, signal)
    } catch (error) {
      return { kind: 'drop', reason: 'refused', error: error instanceof Error ? error : new Error(String(error)) }
    }
  }
}

function joinPipelines<T>(pipelines: readonly Pipeline<T>[]): Pipeline<T> {
  const all = async (results: readonly Promise<boolean>[]) => (await Promise.all(results)).every(Boolean)
  return {
    push: (item) => {
      for (const pipeline of pipelines) pipeline.push(item)
    },
    broken: (error) => {
      for (const pipeline of pipelines) pipeline.broken(error)
    },
    forceFlush: (timeoutMs) => all(pipelines.map((pipeline) => pipeline.forceFlush(timeoutMs))),
    shutdown: (timeoutMs) => all(pipelines.map((pipeline) => pipeline.shutdown(timeoutMs))),
  }
}

/** `OTEL_SDK_DISABLED`: no telemetry, but contexts still travel, as the specification asks. */
function createNoopSdk(config: Config, stats: Stats): Sdk {
  return {
    tracerProvider: new ProxyTracerProvider(),
    meterProvider: { getMeter: () => createNoopMeter() },
    loggerProvider: { getLogger: () => createNoopLogger() },
    propagator: createPropagator(config, createRedactor()),
    contextManager: createContextManager(),
    forceFlush: async () => true,
    shutdown: async () => true,
    stats: stats.snapshot,
  }
}
