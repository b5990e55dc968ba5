import type { Config } from '../../config.ts'
import type { Environment } from '../../config-reader.ts'
import { showValue } from '../../config-values.ts'
import { REDACTED } from '../../log/redact/redacted.ts'
import { createRedactor } from '../../log/redact.ts'
import { OTLP_SETTINGS, SETTINGS, type Setting } from '../../settings.ts'
import { SIGNALS } from '../../wire/signal.ts'
import { type Finding, ok, problem, skipped, warning } from './findings.ts'

/** One variable, as it holds. */
export type ShownSetting = {
  readonly name: string
  /** Without secrets. Undefined: unset and without a default. */
  readonly value: string | undefined
  /** `default, wrong value`: what is set cannot be used. */
  readonly origin: 'environment' | 'default' | 'default, wrong value'
}

export type SettingsOptions = { readonly env: Environment; readonly config: Config; readonly problems: readonly string[] }

/** Every variable with its value and where that comes from, in the order of the documentation. Those for one signal only when they are set. */
export function listSettings(env: Environment): readonly ShownSetting[] {
  const general = Object.entries(OTLP_SETTINGS).map(([name, row]) => [`OTEL_EXPORTER_OTLP_${name}`, row] as const)
  const ofSignals = SIGNALS.flatMap((signal) =>
    Object.entries(OTLP_SETTINGS).map(([name, row]) => [`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_${name}`, row] as const),
  )
  const rows: readonly (readonly [string, Setting<unknown>])[] = [
    ...Object.entries(SETTINGS),
    ...general,
    ...ofSignals.filter(([name]) => textOf(env, name) !== ''),
  ]
  return rows.map(([name, row]) => show(spelling(env, name), row, env))
}

/** What is wrong with the settings, and what they mean for telemetry as a whole. */
export function checkSettings({ env, config, problems }: SettingsOptions): readonly Finding[] {
  const unknown = unknownVariables(env)
  const name = config.serviceName ?? config.resourceAttributes['service.name']
  const { sampler } = config
  const recordsNothing = sampler.name.endsWith('always_off') || (sampler.name.endsWith('traceidratio') && sampler.ratio === 0)
  return [
    ...problems.map((text) => problem('setting-wrong', text)),
    ...(problems.length === 0 ? [ok('setting-wrong', 'every value can be used')] : []),
    unknown.length === 0 ? ok('setting-unknown', 'every variable is known') : warning('setting-unknown', `not read: ${unknown.join(', ')}`),
    name === undefined
      ? warning('service-name', 'the service has no name: unknown_service:node')
      : ok('service-name', `the service is called ${name}`),
    checkEnabled(config),
    recordsNothing
      ? warning('sampler', `no trace is recorded (OTEL_TRACES_SAMPLER=${sampler.name})`)
      : ok('sampler', `traces are recorded (${sampler.name})`),
  ]
}

function checkEnabled(config: Config): Finding {
  if (config.disabled) return warning('sdk-enabled', 'OTEL_SDK_DISABLED is true: no telemetry')
  const silent = SIGNALS.filter((signal) => config.signals[signal].exporters.length === 0)
  if (silent.length === SIGNALS.length) return warning('sdk-enabled', 'no signal has an exporter: no telemetry')
  return silent.length > 0
    ? skipped('sdk-enabled', `not sent, as configured: ${silent.join(', ')}`)
    : ok('sdk-enabled', 'traces, metrics and logs are sent')
}

/** Of the names that only OpenTelemetry and we use; others belong to somebody else. */
function unknownVariables(env: Environment): readonly string[] {
  const known = new Set(listSettings(env).map(({ name }) => name))
  return Object.keys(env).filter(
    (name) => /^(OTEL|TTS_OTEL)_/.test(name) && textOf(env, name) !== '' && !known.has(name) && !isToldElsewhere(name),
  )
}

/** `parseConfig` has its own sentence for these. */
function isToldElsewhere(name: string): boolean {
  return ['OTEL_CONFIG_FILE', 'OTEL_EXPERIMENTAL_CONFIG_FILE', 'OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE'].includes(name)
}

function show(name: string, { type, fallback, unit }: Setting<unknown>, env: Environment): ShownSetting {
  const text = textOf(env, name)
  const suffix = unit === undefined ? '' : ` ${unit}`
  if (text !== '' && type.read(text) !== undefined)
    return { name, value: type.secret ? hide(name, text) : clean(text) + suffix, origin: 'environment' }
  const value =
    fallback === undefined
      ? undefined
      : Array.isArray(fallback)
        ? fallback.join(',')
        : typeof fallback === 'object'
          ? undefined
          : String(fallback)
  return { name, value: value === undefined ? undefined : value + suffix, origin: text === '' ? 'default' : 'default, wrong value' }
}

/** Names of headers help to find a mistake; their values are nobody's business. */
function hide(name: string, text: string): string {
  if (!name.endsWith('_HEADERS')) return REDACTED
  const pairs = text.split(',').filter((pair) => pair.trim() !== '')
  return pairs.map((pair) => `${pair.slice(0, pair.indexOf('=')).trim()}=${REDACTED}`).join(',')
}

/** As messages show a wrong value: shortened, without credentials and query of addresses, and without what looks like a secret. */
function clean(text: string): string {
  return JSON.parse(showValue(redactor.text(text), {}))
}

const redactor = createRedactor()

/** Proxies count in lower case as well, and first. */
function spelling(env: Environment, name: string): string {
  return name.endsWith('_PROXY') && textOf(env, name.toLowerCase()) !== '' ? name.toLowerCase() : name
}

function textOf(env: Environment, name: string): string {
  return env[name]?.trim() ?? ''
}
