import { ROOT_CONTEXT, SeverityNumber } from '@opentelemetry/api'
import type { Config } from '../../config.ts'
import { createSdk, type Sdk } from '../../sdk.ts'
import { REQUEST_ID } from '../../tts/semconv.ts'
import type { Signal } from '../../wire/signal.ts'

/** On everything the doctor sends, so that it can be told apart and left out. */
export const DOCTOR_ATTRIBUTE = 'tts_otel.doctor'

export type Synthetic = { readonly signal: Signal; readonly config: Config; readonly requestId: string; readonly timeoutMs: number }

export type Delivered =
  | { readonly kind: 'delivered' /** `performance.now()` when it was made. */; readonly madeAtMs: number; readonly ms: number }
  | { readonly kind: 'failed'; readonly reason: string }

/** Makes one span, metric point or log record and delivers it by an SDK of the app's settings, as the app's own would be. */
export async function deliverSynthetic({ signal, config, requestId, timeoutMs }: Synthetic): Promise<Delivered> {
  const warnings: string[] = []
  const sdk = createSdk(only(signal, config, timeoutMs), { warn: (message) => warnings.push(message) })
  const madeAtMs = performance.now()
  MAKE[signal](sdk, { [DOCTOR_ATTRIBUTE]: true, [REQUEST_ID]: requestId })
  const isDelivered = await sdk.shutdown(timeoutMs)
  if (isDelivered && sdk.stats()[signal].sent > 0) return { kind: 'delivered', madeAtMs, ms: Math.round(performance.now() - madeAtMs) }
  return { kind: 'failed', reason: warnings[0] ?? `not acknowledged within ${timeoutMs} ms` }
}

type Marks = { readonly [name: string]: string | boolean }

const MAKE: { readonly [S in Signal]: (sdk: Sdk, attributes: Marks) => void } = {
  traces: ({ tracerProvider }, attributes) =>
    tracerProvider.getTracer('tts-otel').startSpan('tts_otel.doctor', { attributes }, ROOT_CONTEXT).end(),
  // Without the id: a series of its own for each run would stay in the store.
  metrics: ({ meterProvider }) =>
    meterProvider
      .getMeter('tts-otel')
      .createCounter('tts_otel.doctor')
      .add(1, { [DOCTOR_ATTRIBUTE]: true }),
  logs: ({ loggerProvider }, attributes) =>
    loggerProvider.getLogger('tts-otel').emit({
      severityNumber: SeverityNumber.INFO,
      severityText: 'INFO',
      body: 'tts-otel doctor: does this arrive?',
      attributes,
      context: ROOT_CONTEXT,
    }),
}

/** The app's settings with one signal on, every trace recorded, less patience, and hands off what waits on disk. */
function only(signal: Signal, config: Config, timeoutMs: number): Config {
  const { traces, metrics, logs } = config.signals
  const narrow = (own: Config['signals'][Signal], each: Signal) => ({
    ...own,
    exporters: each === signal ? (['otlp'] as const) : [],
    timeoutMs: Math.min(own.timeoutMs, timeoutMs),
  })
  return {
    ...config,
    signals: { traces: narrow(traces, 'traces'), metrics: narrow(metrics, 'metrics'), logs: narrow(logs, 'logs') },
    spool: { ...config.spool, bytesMax: 0 },
    sampler: { name: 'always_on', ratio: 1 },
    resourceAttributes: { ...config.resourceAttributes, [DOCTOR_ATTRIBUTE]: 'true' },
  }
}
