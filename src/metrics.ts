import { diag } from '@opentelemetry/api'
import { ExportResultCode } from '@opentelemetry/core'
import type { Resource } from '@opentelemetry/resources'
import {
  AggregationTemporality,
  MeterProvider,
  type MetricData,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics'
import type { Config } from './config.ts'
import type { Pipeline } from './delivery/pipeline.ts'
import type { Redactor } from './log/redact.ts'

export type MetricsOptions = {
  readonly config: Config
  readonly resource: Resource
  readonly redactor: Redactor
  /** Undefined: nothing is collected. */
  readonly pipeline: Pipeline<ResourceMetrics> | undefined
  /** Called before the first collection: instruments that are only observed can wait until then. */
  readonly onFirst: (provider: MeterProvider) => void
}

export type Metrics = {
  readonly provider: MeterProvider
  /** Hands the present values to the pipeline; an observable that has not answered after `timeoutMs` is left out. Never rejects. */
  readonly collect: (timeoutMs: number) => Promise<void>
  /** Ends the periodic collection; what is collected from now on is not sent. */
  readonly stop: () => void
}

/** The meter provider, cumulative, with a collection every `metricIntervalMs` and at each flush. */
export function createMetrics({ config, resource, redactor, pipeline, onFirst }: MetricsOptions): Metrics {
  if (pipeline === undefined) return { provider: new MeterProvider({ resource }), collect: async () => {}, stop: () => {} }
  let isStopped = false

  const exporter: PushMetricExporter = {
    export(metrics, done) {
      if (!isStopped) pipeline.push(redactMetrics(metrics, redactor))
      done({ code: ExportResultCode.SUCCESS })
    },
    selectAggregationTemporality: () => AggregationTemporality.CUMULATIVE,
    forceFlush: async () => {
      if (!isStopped) await pipeline.forceFlush(config.metricTimeoutMs)
    },
    shutdown: async () => {},
  }
  const reader = new PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis: config.metricIntervalMs,
    exportTimeoutMillis: config.metricTimeoutMs,
    cardinalityLimits: { default: SERIES_MAX },
  })
  const provider = new MeterProvider({ resource, readers: [reader] })
  beforeFirst(reader, () => onFirst(provider))

  return {
    provider,
    async collect(timeoutMs) {
      if (isStopped) return
      try {
        const { resourceMetrics, errors } = await reader.collect({ timeoutMillis: Math.min(timeoutMs, config.metricTimeoutMs) })
        if (errors.length > 0) diag.error('some metrics could not be collected', ...errors)
        if (!isStopped && resourceMetrics.scopeMetrics.length > 0) pipeline.push(redactMetrics(resourceMetrics, redactor))
      } catch (error) {
        diag.debug('no metrics: the app has shut their provider down', error)
      }
    },
    stop() {
      isStopped = true
      // The shutdown of the reader would collect once more, for nobody, and an observable that hangs would hold the process open.
      Object.assign(reader, { onForceFlush: async () => {} })
      void provider.shutdown()
    },
  }
}

/** The reader calls its own `collect`, too, once an interval. */
function beforeFirst(reader: PeriodicExportingMetricReader, prepare: () => void): void {
  const collect = reader.collect.bind(reader)
  reader.collect = (options) => {
    reader.collect = collect
    prepare()
    return collect(options)
  }
}

/** Attribute sets of one instrument; what comes on top is summed up under `otel.metric.overflow`. The SDK's own default. */
const SERIES_MAX = 2_000

/** Copies what has to change: points share their attributes with the SDK, which finds its series by them. */
function redactMetrics(metrics: ResourceMetrics, redactor: Redactor): ResourceMetrics {
  const redactPoints = (metric: MetricData): MetricData => {
    const isClean = metric.dataPoints.every(({ attributes }) => redactor.attributes(attributes) === attributes)
    if (isClean) return metric
    const dataPoints = metric.dataPoints.map((point) => ({ ...point, attributes: redactor.attributes(point.attributes) }))
    // The copy has the kind of its original, which the spread of a union cannot say.
    return { ...metric, dataPoints } as MetricData
  }
  return {
    resource: metrics.resource,
    scopeMetrics: metrics.scopeMetrics.map(({ scope, metrics }) => ({ scope, metrics: metrics.map(redactPoints) })),
  }
}
