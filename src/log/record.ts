import { type AnyValue, type Context, isSpanContextValid, type SpanContext, trace } from '@opentelemetry/api'
import type { LogConfig } from '../config.ts'
import { currentRequest, type RequestContext } from '../request-context.ts'
import { LOG_RECORD_UID, LOG_SAMPLE_RATIO, REQUEST_ID, SOURCE, USER_ID } from '../tts/semconv.ts'
import type { Cleaning } from './clean.ts'
import { isError } from './exception.ts'
import { addFields, type Fields, showPlain } from './fields.ts'
import type { Level } from './levels.ts'
import type { Line } from './line.ts'
import { UNREADABLE } from './redact/shown.ts'
import { createRedactor, type Redactor } from './redact.ts'
import { isSampled } from './sample.ts'

type Attributes = Record<string, AnyValue>

/** One call of a logger. */
export type Call = {
  readonly logger: string
  readonly level: Level
  readonly id: string
  readonly message: string | Error
  /** Fields of a child logger, plain already. */
  readonly base: Readonly<Attributes>
  readonly fields: Fields | Error | undefined
}

export type RecordConfig = Pick<LogConfig, 'hashKey' | 'sampleRatio'>

export type RecorderOptions = {
  /** Asked once, at the first record. */
  readonly config: () => RecordConfig
  readonly nowMs: () => number
}

export type Recorder = {
  /** The record of a call, without secrets; undefined where the sample of DEBUG records does not hold it. */
  readonly make: (call: Call, active: Context) => Line | undefined
  readonly cleaning: () => Cleaning
}

/** Makes records of calls, in the context and request in which they happen. */
export function createRecorder({ config, nowMs }: RecorderOptions): Recorder {
  const tools = createTools(config)

  function make({ logger, level, id, message, base, fields }: Call, active: Context): Line | undefined {
    const { redactor, sampleRatio } = tools()
    const span = spanOf(active)
    const request = currentRequest()
    const attributes: Attributes = {}
    if (level === 'DEBUG' && sampleRatio < 1) {
      if (!isSampled(sampleRatio, { traceId: span?.traceId, requestId: request?.requestId })) return undefined
      attributes[LOG_SAMPLE_RATIO] = sampleRatio
    }
    if (request !== undefined) addRequest(attributes, request)
    addCall(attributes, { base, message, fields })
    if (LOG_RECORD_UID in attributes) delete attributes[LOG_RECORD_UID] // nobody else gives a record its id
    if (attributes[SOURCE] === logger) delete attributes[SOURCE]
    return {
      timeMs: nowMs(),
      level,
      id,
      logger: redactor.text(logger),
      message: redactor.text(textOf(message)),
      traceId: span?.traceId,
      spanId: span?.spanId,
      attributes: redactor.attributes(attributes),
    }
  }

  return { make, cleaning: () => tools().cleaning }
}

type Tools = { readonly redactor: Redactor; readonly cleaning: Cleaning; readonly sampleRatio: number }

/** Made at the first record: the environment is not read before. */
function createTools(config: () => RecordConfig): () => Tools {
  let tools: Tools | undefined
  return function getTools() {
    if (tools === undefined) {
      const { hashKey, sampleRatio } = config()
      tools = { redactor: createRedactor({ hashKey }), cleaning: hashKey === undefined ? 'redacted' : 'hashed', sampleRatio }
    }
    return tools
  }
}

function spanOf(active: Context): SpanContext | undefined {
  const span = trace.getSpanContext(active)
  return span !== undefined && isSpanContextValid(span) ? span : undefined
}

/** Before the fields: a record that reaches the limit of attributes loses the last ones. */
function addRequest(attributes: Attributes, { requestId, userId }: RequestContext): void {
  attributes[REQUEST_ID] = requestId
  if (userId !== undefined) attributes[USER_ID] = userId
}

/** Ids are strings wherever they come from. */
function addCall(attributes: Attributes, { base, message, fields }: Pick<Call, 'base' | 'message' | 'fields'>): void {
  for (const name in base) attributes[name] = base[name]
  if (isError(message)) addFields(attributes, message)
  if (fields) addFields(attributes, fields)
  if (typeof attributes[REQUEST_ID] === 'number') attributes[REQUEST_ID] = String(attributes[REQUEST_ID])
  if (typeof attributes[USER_ID] === 'number') attributes[USER_ID] = String(attributes[USER_ID])
}

/** Never throws: a caller without types may pass anything. */
function textOf(message: unknown): string {
  try {
    if (isError(message)) return message.message || message.name
    return typeof message === 'object' ? showPlain(message) : String(message)
  } catch {
    return UNREADABLE
  }
}
