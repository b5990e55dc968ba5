import { SeverityNumber } from '@opentelemetry/api'
import type { Fields } from '../log/fields.ts'
import { EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE, EXCEPTION_TYPE, REQUEST_ID, USER_ID } from '../tts/semconv.ts'
import type { BridgedRecord } from './emit.ts'
import { severityOfName } from './severity.ts'
import { momentOf } from './winston-moment.ts'

/** What winston hands to its transports; the symbols are those of its package triple-beam. */
export type Info = Readonly<Record<PropertyKey, unknown>>

/** The levels of a logger: a smaller number is more serious. */
export type Levels = { readonly level?: string; readonly levels?: Readonly<Record<string, number>> }

const LEVEL = Symbol.for('level')
const SPLAT = Symbol.for('splat')
/** What winston adds to an uncaught exception; the resource has it. */
const PROCESS_FIELDS = ['date', 'process', 'os', 'trace']

export function isInfo(value: unknown): value is Info {
  return typeof value === 'object' && value !== null
}

/** As winston's own transports decide: their level, or else the logger's. */
export function isWanted(info: Info, parent: Levels | undefined, own: string | undefined): boolean {
  const least = own ?? parent?.level
  const levels = parent?.levels
  if (least === undefined || levels === undefined) return true
  return (levels[least] ?? Number.POSITIVE_INFINITY) >= (levels[levelOf(info)] ?? 0)
}

/** The record of one info. */
export function toRecord(info: Info, name: string): BridgedRecord {
  const { context, request, timeMs } = momentOf(info)
  const level = levelOf(info)
  const { label, message } = info
  return {
    source: typeof label === 'string' && label !== '' ? label : name,
    severityNumber: severityOfName(level) ?? SeverityNumber.INFO,
    severityText: level,
    message: toText(message),
    fields: { ...(request && { [REQUEST_ID]: request.requestId, [USER_ID]: request.userId }), ...toFields(info) },
    timeMs,
    context,
  }
}

/** A format may have coloured `level`; the symbol is what the logger decides by. */
function levelOf(info: Info): string {
  const level = info[LEVEL] ?? info.level
  return typeof level === 'string' ? level : 'info'
}

/** What the caller added. An error has given its message and its stack to the info, or is the info itself. */
function toFields(info: Info): Fields {
  const { level: _, message: __, label: ___, timestamp, stack, cause, ...rest } = info
  const error = errorOf(info)
  const fields: Record<string, unknown> = { ...rest }
  if (info.exception === true) for (const name of PROCESS_FIELDS) delete fields[name]
  if (!isTime(timestamp)) fields.timestamp = timestamp
  if (error !== undefined) return { ...fields, error }
  if (typeof stack !== 'string') return { ...fields, stack, cause }
  return {
    ...fields,
    cause,
    [EXCEPTION_TYPE]: /^[\w$.]+/.exec(stack)?.[0] ?? 'Error',
    [EXCEPTION_MESSAGE]: info.message,
    [EXCEPTION_STACKTRACE]: stack,
  }
}

function errorOf(info: Info): Error | undefined {
  const splat = info[SPLAT]
  const candidates = [info, info.error, info.message, Array.isArray(splat) ? splat[0] : undefined]
  return candidates.find((candidate) => candidate instanceof Error)
}

/** The record has a time of its own. */
function isTime(value: unknown): boolean {
  return value === undefined || (typeof value === 'string' && Number.isFinite(Date.parse(value)))
}

function toText(message: unknown): string {
  if (typeof message === 'string') return message
  if (message === undefined) return ''
  if (message instanceof Error) return message.message
  try {
    return JSON.stringify(message) ?? String(message)
  } catch {
    return String(message)
  }
}
