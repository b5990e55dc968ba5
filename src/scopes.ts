import type { LoggerProvider, MeterProvider, TracerProvider } from '@opentelemetry/api'
import type { Redactor } from './log/redact.ts'

export type Providers = {
  readonly tracerProvider: TracerProvider
  readonly meterProvider: MeterProvider
  readonly loggerProvider: LoggerProvider
}

/**
 * Takes secrets out of the names, versions and attributes of instrumentation scopes: whoever names a logger after a user would write the
 * address into each record. Done once for each tracer, meter and logger, when it is asked for.
 */
export function redactScopes({ tracerProvider, meterProvider, loggerProvider }: Providers, redactor: Redactor): void {
  const text = (value: string | undefined) => (value === undefined ? undefined : redactor.text(value))
  const record = <T extends object>(options: T | undefined): T | undefined =>
    options && Object.assign({ ...options }, redactor.attributes(Object.fromEntries(Object.entries(options))))

  const getTracer = tracerProvider.getTracer.bind(tracerProvider)
  const getMeter = meterProvider.getMeter.bind(meterProvider)
  const getLogger = loggerProvider.getLogger.bind(loggerProvider)
  const clean: Providers = {
    tracerProvider: { getTracer: (name, version, options) => getTracer(redactor.text(name), text(version), record(options)) },
    meterProvider: { getMeter: (name, version, options) => getMeter(redactor.text(name), text(version), record(options)) },
    loggerProvider: { getLogger: (name, version, options) => getLogger(redactor.text(name), text(version), record(options)) },
  }
  Object.assign(tracerProvider, clean.tracerProvider)
  Object.assign(meterProvider, clean.meterProvider)
  Object.assign(loggerProvider, clean.loggerProvider)
}
