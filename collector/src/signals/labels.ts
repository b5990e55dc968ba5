import type { Attributes, LogRecord, Resource } from '../batch.ts'
import { levelOf, severityOf } from '../level.ts'
import { sourceOf } from '../log-fields.ts'
import type { Labels } from '../notification.ts'

/** What a value can be told apart by, and where that stands in the telemetry: the first attribute that is there counts. */
const METRIC_LABELS: Readonly<Record<string, readonly string[]>> = {
  route: ['http.route'],
  method: ['http.request.method'],
  status: ['http.response.status_code'],
  model: ['tts.model', 'gen_ai.request.model'],
  voice: ['tts.voice'],
  dependency: ['health.check.name'],
  signal: ['signal'],
  reason: ['reason'],
}

/** Names of labels that come from the process: every signal has these. */
const RESOURCE_LABELS: Readonly<Record<string, (resource: Resource) => string>> = {
  service: ({ service }) => service,
  instance: ({ instanceId }) => instanceId,
}

const LOG_LABELS: Readonly<Record<string, (record: LogRecord) => string>> = {
  logger: sourceOf,
  level: (record) => levelOf(severityOf(record)),
  event: ({ eventName }) => eventName,
  error_type: ({ attributes }) => String(attributes['exception.type'] ?? attributes['error.type'] ?? ''),
}

/** All that a log record can be told apart by. */
export const LOG_LABEL_NAMES: readonly string[] = [...Object.keys(RESOURCE_LABELS), ...Object.keys(LOG_LABELS)]

/** Stands in no label. */
export const SEPARATOR = '\u0000'

/** The labels `by` of a metric's series; '' for one that it does not have. */
export function metricLabels(by: readonly string[], resource: Resource, attributes: Attributes): Labels {
  return Object.fromEntries(by.map((name) => [name, ofResource(name, resource) ?? ofAttributes(name, attributes)]))
}

/** The labels `by` of a log record; '' for one that it does not have. */
export function logLabels(by: readonly string[], record: LogRecord): Labels {
  return Object.fromEntries(by.map((name) => [name, ofResource(name, record.resource) ?? ofLog(name, record)]))
}

/** Equal for equal labels of the same names in the same order. */
export function labelsKey(labels: Labels): string {
  return Object.values(labels).join(SEPARATOR)
}

function ofResource(name: string, resource: Resource): string | undefined {
  return Object.hasOwn(RESOURCE_LABELS, name) ? RESOURCE_LABELS[name]!(resource) : undefined
}

function ofAttributes(name: string, attributes: Attributes): string {
  const keys = Object.hasOwn(METRIC_LABELS, name) ? METRIC_LABELS[name]! : [name]
  const value = keys.map((key) => attributes[key]).find((found) => found !== undefined)
  return value === undefined ? '' : String(value)
}

function ofLog(name: string, record: LogRecord): string {
  return Object.hasOwn(LOG_LABELS, name) ? LOG_LABELS[name]!(record) : ''
}
