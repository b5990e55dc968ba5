import { inspect } from 'node:util'
import type { AnyValue } from '@opentelemetry/api'
import { cleanAttributes } from '@opentelemetry/core'
import type { Resource } from '@opentelemetry/resources'
import { LoggerProvider, type LogRecordProcessor, type ReadableLogRecord, type ReadWriteLogRecord } from '@opentelemetry/sdk-logs'
import { passCleanRecords } from './clean-records.ts'
import type { Config } from './config.ts'
import type { Pipeline } from './delivery/pipeline.ts'
import { type Cleaning, isClean } from './log/clean.ts'
import type { Redactor } from './log/redact.ts'
import { uuidv7 } from './log/uuid.ts'
import { currentRequest } from './request-context.ts'
import { LOG_RECORD_UID, REQUEST_ID, USER_ID } from './tts/semconv.ts'

export type LogsOptions = {
  readonly config: Config
  readonly resource: Resource
  readonly redactor: Redactor
  /** Undefined: log records go nowhere, and loggers say they are not enabled. */
  readonly pipeline: Pipeline<ReadableLogRecord> | undefined
}

/** The logger provider with its one processor. */
export function createLogs({ config, resource, redactor, pipeline }: LogsOptions): LoggerProvider {
  const { logLimits: limits } = config
  const cleaning = cleaningOf(config)
  const processors = pipeline === undefined ? [] : [createProcessor({ redactor, pipeline, cleaning })]
  const provider = new LoggerProvider({ resource, logRecordLimits: limits, processors })
  if (pipeline !== undefined) passCleanRecords(provider, { resource, limits, cleaning, push: pipeline.push })
  return provider
}

/** How long `forceFlush()` may wait when the caller names no time. The SDK's own default. */
const FLUSH_TIMEOUT_MS = 30_000

type ProcessorOptions = {
  readonly redactor: Redactor
  readonly pipeline: Pipeline<ReadableLogRecord>
  /** What our own loggers have to have done for their records to pass as they are. */
  readonly cleaning: Cleaning
}

function cleaningOf({ log }: Config): Cleaning {
  return log.hashKey === undefined ? 'redacted' : 'hashed'
}

function createProcessor({ redactor, pipeline, cleaning }: ProcessorOptions): LogRecordProcessor {
  return {
    onEmit(record, context) {
      try {
        nameRecord(record)
        if (!isClean(context, cleaning)) redactRecord(record, redactor)
      } catch (error) {
        return pipeline.broken(error) // `emit()` is called by the app
      }
      pipeline.push(record)
    },
    forceFlush: async (options) => void (await pipeline.forceFlush(options?.timeoutMillis ?? FLUSH_TIMEOUT_MS)),
    shutdown: async () => void (await pipeline.shutdown(FLUSH_TIMEOUT_MS)),
  }
}

/**
 * Gives the record its own id and those of its request. Not through `setAttribute`, which drops silently at the attribute limit: without
 * its id a record that is sent twice would be stored twice.
 */
function nameRecord({ attributes }: ReadWriteLogRecord): void {
  attributes[LOG_RECORD_UID] ??= uuidv7()
  const request = currentRequest()
  if (request === undefined) return
  attributes[REQUEST_ID] ??= request.requestId
  if (request.userId !== undefined) attributes[USER_ID] ??= request.userId
}

/** The attributes are the SDK's own copy; a body that is an object is the caller's, and is copied before it waits in the queue. */
function redactRecord(record: ReadWriteLogRecord, redactor: Redactor): void {
  const attributes = redactor.attributes(record.attributes)
  if (attributes !== record.attributes) Object.assign(record, { attributes })
  const { body } = record
  if (typeof body === 'string') {
    const clean = redactor.text(body)
    if (clean !== body) record.body = clean
  } else if (typeof body === 'object' && body !== null) record.body = cleanBody(body, redactor)
  if (record.eventName !== undefined) record.eventName = redactor.text(record.eventName)
}

const NO_LIMITS = { attributeCountLimit: 1, attributeValueLengthLimit: Number.POSITIVE_INFINITY }

/** A deep copy, which is then looked at: a getter could give something else the second time. Of what OTLP has no type for (dates, class instances, cycles), its text. */
function cleanBody(body: AnyValue, redactor: Redactor): AnyValue {
  const { attributes } = cleanAttributes({ body }, NO_LIMITS)
  if (attributes?.body !== undefined) return redactor.attributes({ body: attributes.body }).body
  const clean = redactor.value(body)
  return redactor.text(inspect(clean, { customInspect: false, depth: 4, breakLength: Number.POSITIVE_INFINITY }))
}
