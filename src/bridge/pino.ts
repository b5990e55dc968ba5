/**
 * `tts-otel/pino`: what pino writes becomes OpenTelemetry log records.
 *
 *     main thread   pino(options, pinoOtel())                               ─► the registered SDK of this thread
 *     worker        pino({ transport: { target: 'tts-otel/pino' } })        ─► an SDK in pino's worker (see pino-transport.ts)
 */
import { context, isSpanContextValid, trace } from '@opentelemetry/api'
import { processConfig } from '../config.ts'
import { writeToConsole } from '../log/console.ts'
import type { Fields } from '../log/fields.ts'
import { createRedactor, type Redactor } from '../log/redact.ts'
import { currentRequest } from '../request-context.ts'
import { REQUEST_ID, USER_ID } from '../tts/semconv.ts'
import { createBridge, TRACE_FIELDS } from './emit.ts'
import { readKeys } from './pino-keys.ts'
import { PINO_DEFAULTS, type PinoKeys, toRecord } from './pino-line.ts'
import { createPinoTransport } from './pino-transport.ts'

export type PinoOtelOptions = {
  /** Gets each line as well, without secrets. Default: stdout, where pino would have written it; `false`: nobody. */
  readonly print?: ((line: string) => void) | false
}

/** A destination for `pino(options, destination)`; also a stream of `pino.multistream`. */
export type PinoDestination = {
  write(line: string): void
  /** By this pino knows a destination that comes without options. */
  readonly writable: true
}

/** Ids of the moment: what stands nowhere is left out. */
export type RequestFields = {
  readonly trace_id?: string
  readonly span_id?: string
  readonly trace_flags?: string
  readonly request_id?: string
  readonly user_id?: string
}

/** pino then tells a destination, before each line, which logger wrote it and at which level. */
const METADATA = Symbol.for('pino.metadata')
/** Longer lines are passed on as a text, cut. */
const LINE_CHARS_MAX = 1_048_576

/**
 * Makes a destination in this thread: records get the request and the span of the moment of the call, and the SDK that is registered here
 * takes them. Lines are printed as well, their secrets taken out, which pino does not do. Never throws.
 */
export function pinoOtel({ print = writeToConsole }: PinoOtelOptions = {}): PinoDestination {
  const bridge = createBridge()
  const keysOf = createKeysCache()
  let redactor: Redactor | undefined
  const last: { lastLevel?: number; lastLogger?: object } = {}

  function write(line: string): void {
    redactor ??= createRedactor(processConfig().config.log)
    const fields = parseLine(line)
    if (fields === undefined) {
      const text = redactor.text(line.trimEnd())
      bridge(toRecord({ [PINO_DEFAULTS.messageKey]: text }, PINO_DEFAULTS))
      if (print) print(`${text}\n`)
      return
    }
    const clean = redactor.attributes(fields)
    bridge(toRecord(clean, keysOf(destination.lastLogger), destination.lastLevel))
    if (print) print(clean === fields ? line : `${JSON.stringify(clean)}\n`)
  }

  const destination = Object.assign(last, { write, writable: true as const, [METADATA]: true as const })
  return destination
}

/**
 * `trace_id`, `span_id`, `trace_flags`, `request_id` and `user_id` of the code that calls it: the `mixin` of pino, so that its lines carry
 * them wherever they go. A new object each time, because pino writes into it.
 */
export function requestFields(): RequestFields {
  const fields: Record<string, string> = {}
  const span = trace.getSpanContext(context.active())
  if (span !== undefined && isSpanContextValid(span)) {
    fields[TRACE_FIELDS.traceId] = span.traceId
    fields[TRACE_FIELDS.spanId] = span.spanId
    fields[TRACE_FIELDS.traceFlags] = `0${span.traceFlags.toString(16)}`.slice(-2)
  }
  const request = currentRequest()
  if (request !== undefined) fields[REQUEST_ID] = request.requestId
  if (request?.userId !== undefined) fields[USER_ID] = request.userId
  return fields
}

/** Children differ from their parents in nothing that is asked here, but there may be one for each request. */
function createKeysCache(): (logger: object | undefined) => PinoKeys {
  const known = new WeakMap<object, PinoKeys>()
  return function keysOf(logger) {
    if (logger === undefined) return PINO_DEFAULTS
    const found = known.get(logger) ?? readKeys(logger)
    known.set(logger, found)
    return found
  }
}

function parseLine(line: string): Fields | undefined {
  if (line.length > LINE_CHARS_MAX) return undefined
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : undefined
  } catch {
    return undefined // a hook of the app may write anything
  }
}

// biome-ignore lint/style/noDefaultExport: pino loads the default export of a transport's module
export default createPinoTransport
