import { showValue } from './config-values.ts'
import { OTLP_SETTINGS, SETTINGS, type Setting, type ValueOf } from './settings.ts'
import type { Signal } from './wire/signal.ts'

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>

/** What the variable `Name` gives. */
export type Value<Name extends keyof typeof SETTINGS> = ValueOf<typeof SETTINGS, Name>

/** The part of an OTLP variable's name after `OTEL_EXPORTER_OTLP_`. */
export type OtlpName = keyof typeof OTLP_SETTINGS
export type OtlpValue<Name extends OtlpName> = ValueOf<typeof OTLP_SETTINGS, Name>

/** Typed access to the environment; each wrong value lands in `problems`. */
export type Reader = {
  readonly get: <Name extends keyof typeof SETTINGS>(name: Name) => Value<Name>
  readonly isSet: (name: keyof typeof SETTINGS) => boolean
  /** The value of the signal's own variable, undefined when unset or wrong, and the one for all signals. */
  readonly otlp: <Name extends OtlpName>(name: Name, signal: Signal) => { own: OtlpValue<Name> | undefined; general: OtlpValue<Name> }
  /** The PEM text of the file that the variable names. */
  readonly pem: (name: OtlpName & `C${string}`, signal: Signal) => string | undefined
  readonly problems: Set<string>
}

export type ReaderSource = { readonly env: Environment; readonly readFile: (path: string) => string; readonly problems: Set<string> }

/** Reads variables against their rows in `settings.ts`. Never throws. */
export function createReader({ env, readFile, problems }: ReaderSource): Reader {
  const read = <T>(variable: string, setting: Setting<T>, instead: string): T | undefined => {
    const text = env[variable]?.trim()
    if (text === undefined || text === '') return undefined
    const value = setting.type.read(text)
    if (value === undefined) problems.add(describe(variable, text, setting, instead))
    return value
  }

  const otlp: Reader['otlp'] = (name, signal) => {
    const row = OTLP_SETTINGS[name] as Setting<OtlpValue<typeof name>>
    const general = `OTEL_EXPORTER_OTLP_${name}`
    return {
      own: read(`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_${name}`, row, `the value of ${general} holds`),
      general: read(general, row, insteadOf(row)) ?? row.fallback,
    }
  }

  return {
    problems,
    isSet: (name) => (env[name] ?? '').trim() !== '',
    get(name) {
      // The row and its value type are two views of one table entry, which TypeScript cannot follow through the index.
      const row = SETTINGS[name] as Setting<Value<typeof name>>
      return read(name, row, insteadOf(row)) ?? row.fallback
    },
    otlp,
    pem(name, signal) {
      const { own, general } = otlp(name, signal)
      const path = own ?? general
      if (path === undefined) return undefined
      const variable = own === undefined ? `OTEL_EXPORTER_OTLP_${name}` : `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_${name}`
      const content = readPem(path, readFile)
      if (typeof content === 'string') return content
      problems.add(`${variable}=${showValue(path, {})} ${content.problem}; ignored`)
      return undefined
    },
  }
}

function readPem(path: string, readFile: (path: string) => string): string | { readonly problem: string } {
  try {
    const content = readFile(path)
    return content.includes('-----BEGIN ') ? content : { problem: 'is not a PEM file: it has no line -----BEGIN …-----' }
  } catch (error) {
    return { problem: `cannot be read (${error instanceof Error ? error.message : error})` }
  }
}

function describe(variable: string, value: string, { type }: Setting<unknown>, instead: string): string {
  const advice = type.advice?.(value)
  return `${variable}=${showValue(value, type)} is not ${type.expects}${advice === undefined ? '' : ` (${advice})`}; ${instead}`
}

/** What holds in place of a wrong value. */
function insteadOf({ fallback, unit }: Setting<unknown>): string {
  if (fallback === undefined || (typeof fallback === 'object' && !Array.isArray(fallback))) return 'ignored'
  return `using ${fallback}${unit === undefined ? '' : ` ${unit}`}`
}
