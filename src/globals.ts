import { createRequire } from 'node:module'
import { sep } from 'node:path'
import { createNoopLogger, type DiagLogger, DiagLogLevel, type LoggerProvider } from '@opentelemetry/api'
import { findApi } from './app-api.ts'
import type { Config } from './config.ts'
import type { Sdk } from './sdk.ts'

/** Where every copy of `@opentelemetry/api` 1.x looks for what is registered. */
const API_GLOBAL = Symbol.for('opentelemetry.js.api.1')

/** Where `@opentelemetry/api-logs`, the log API before 1.10, looks. https://www.npmjs.com/package/@opentelemetry/api-logs */
const OLD_LOGS_GLOBAL = Symbol.for('io.opentelemetry.js.api.logs')
const OLD_LOGS_VERSION = 1

export type GlobalParts = {
  readonly sdk: Sdk
  /** Hears what OpenTelemetry says about itself. */
  readonly diagLogger: DiagLogger
  readonly diagLevel: Config['diagLevel']
}

/**
 * Makes `sdk` the one that `@opentelemetry/api` gives to everybody in this thread. Whoever registered first stays; then the answer is one
 * sentence about what does not work and what to do, otherwise undefined.
 */
export function registerGlobals({ sdk, diagLogger, diagLevel }: GlobalParts): string | undefined {
  const { context, diag, logs, metrics, propagation, trace } = findApi()
  const registrations = {
    traces: trace.setGlobalTracerProvider(sdk.tracerProvider),
    metrics: metrics.setGlobalMeterProvider(sdk.meterProvider),
    logs: logs.setGlobalLoggerProvider(sdk.loggerProvider),
    context: context.setGlobalContextManager(sdk.contextManager),
    propagation: propagation.setGlobalPropagator(sdk.propagator),
  }
  // Last: the API tells its logger of each refusal above, with a stack. Ours is refused only by a copy of another version.
  const logLevel = DIAG_LEVELS[diagLevel]
  const isSameVersion = diag.setLogger(diagLogger, { logLevel, suppressOverrideMessage: true })
  bridgeOldLogs(sdk.loggerProvider)
  const refused = Object.entries(registrations).flatMap(([name, isRegistered]) => (isRegistered ? [] : [name]))
  return refused.length === 0 ? undefined : describeRefusal(refused, isSameVersion)
}

const DIAG_LEVELS: Readonly<Record<Config['diagLevel'], DiagLogLevel>> = {
  none: DiagLogLevel.NONE,
  error: DiagLogLevel.ERROR,
  warn: DiagLogLevel.WARN,
  info: DiagLogLevel.INFO,
  debug: DiagLogLevel.DEBUG,
  verbose: DiagLogLevel.VERBOSE,
  all: DiagLogLevel.ALL,
}

/** Loggers of the old API would be silent no-ops. A provider that is already registered there belongs to somebody else. */
function bridgeOldLogs(provider: LoggerProvider): void {
  if (Reflect.has(globalThis, OLD_LOGS_GLOBAL)) return
  const noop: LoggerProvider = { getLogger: () => createNoopLogger() }
  const find = (version: number): LoggerProvider => (version === OLD_LOGS_VERSION ? provider : noop)
  Object.defineProperty(globalThis, OLD_LOGS_GLOBAL, { value: find, configurable: true, writable: true })
}

function describeRefusal(refused: readonly string[], isSameVersion: boolean): string {
  const what = `no ${refused.join(', ')} from this app:`
  const first = 'load tts-otel/register before everything else (the first --import)'
  if (isSameVersion) return `${what} another OpenTelemetry SDK registered first. Remove it, or ${first}.`
  const { version } = Reflect.get(globalThis, API_GLOBAL)
  const where = findCopies(version)
  const copy = `@opentelemetry/api ${version}${where.length > 0 ? ` (${where.join(', ')})` : ''}`
  return `${what} ${copy} was in use first, and this SDK works with another version. Install one version (npm ls @opentelemetry/api), or ${first}.`
}

/** Folders of the loaded copies of that version, as far as CommonJS knows them. */
function findCopies(version: string): readonly string[] {
  const here: string | undefined = import.meta.url // undefined where a bundler made CommonJS of us
  if (here === undefined) return []
  const require = createRequire(here)
  const marker = `${sep}@opentelemetry${sep}api${sep}`
  const files = Object.keys(require.cache).filter((file) => file.includes(marker))
  const folders = new Set(files.map((file) => file.slice(0, file.lastIndexOf(marker) + marker.length - 1)))
  return [...folders].filter((folder) => require(`${folder}/package.json`).version === version)
}
