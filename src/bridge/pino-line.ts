import type { Fields } from '../log/fields.ts'
import { EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE, EXCEPTION_TYPE } from '../tts/semconv.ts'
import type { BridgedRecord } from './emit.ts'
import { severityOfName, severityOfPino } from './severity.ts'

/** How one pino logger writes its lines. */
export type PinoKeys = {
  /** Option `messageKey`. Default `msg`. */
  readonly messageKey: string
  /** Option `errorKey`. Default `err`. */
  readonly errorKey: string
  /** Name of a level by its number, `customLevels` included. */
  readonly labelOf: (level: number) => string | undefined
  /** Number of a level by its name, for loggers that write names. */
  readonly levelOf: (label: string) => number | undefined
}

const LABELS: Readonly<Record<number, string>> = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' }
const INFO = 30

/** A logger with pino's defaults. */
export const PINO_DEFAULTS: PinoKeys = {
  messageKey: 'msg',
  errorKey: 'err',
  labelOf: (level) => LABELS[level],
  levelOf: (label) =>
    Object.keys(LABELS)
      .map(Number)
      .find((level) => LABELS[level] === label.toLowerCase()),
}

/** The record of one line, parsed. `known` is its level where pino has told it apart from the line. */
export function toRecord(line: Fields, keys: PinoKeys, known?: number): BridgedRecord {
  const { level: written, time, name, [keys.messageKey]: message, [keys.errorKey]: error, ...rest } = line
  const level = known ?? (typeof written === 'string' ? keys.levelOf(written) : Number(written ?? INFO))
  const label = (level === undefined ? undefined : keys.labelOf(level)) ?? (typeof written === 'string' ? written : `level ${level}`)
  return {
    source: typeof name === 'string' && name !== '' ? name : 'pino',
    severityNumber: level === undefined || Number.isNaN(level) ? (severityOfName(label) ?? severityOfPino(INFO)) : severityOfPino(level),
    severityText: label,
    message: message === undefined ? '' : typeof message === 'string' ? message : JSON.stringify(message),
    fields: { ...withoutProcess(rest), ...toException(keys.errorKey, error) },
    timeMs: toMs(time),
  }
}

/** The process and its host stand on the resource of every record. */
function withoutProcess(fields: Fields): Fields {
  const { pid, hostname, ...rest } = fields
  return pid === process.pid ? rest : fields
}

/** What pino's standard serializer makes of an error: type, message, stack, and whatever else it had. */
function toException(key: string, error: unknown): Fields {
  if (error === undefined) return {}
  if (typeof error !== 'object' || error === null) return { [key]: error }
  const { type, message, stack, ...rest } = Object.fromEntries(Object.entries(error))
  if (typeof stack !== 'string' && typeof message !== 'string') return { [key]: error }
  return {
    [EXCEPTION_TYPE]: typeof type === 'string' ? type : 'Error',
    [EXCEPTION_MESSAGE]: message,
    [EXCEPTION_STACKTRACE]: stack,
    ...(Object.keys(rest).length > 0 && { [key]: rest }),
  }
}

/** Epoch milliseconds, or a text that `Date` reads. */
function toMs(time: unknown): number | undefined {
  const ms = typeof time === 'string' ? Date.parse(time) : time
  return typeof ms === 'number' && Number.isFinite(ms) ? ms : undefined
}
