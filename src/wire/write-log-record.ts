import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'
import { type Writer, writeFixed32, writeHex, writeString, writeTime, writeVarint } from './protobuf-writer.ts'
import { writeAttributes, writeValue } from './write-value.ts'

/**
 * Writes the fields of one LogRecord, in their order and as the official serializer does.
 * https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/logs/v1/logs.proto
 */
export function writeLogRecord(writer: Writer, record: ReadableLogRecord): void {
  const { severityNumber, severityText, body, attributes, spanContext, eventName } = record
  writeTime(writer, 0x09, record.hrTime)
  if (severityNumber !== undefined && severityNumber !== 0) writeVarint(writer, 0x10, severityNumber)
  if (severityText) writeString(writer, 0x1a, severityText)
  if (body !== undefined) writeValue(writer, 0x2a, body)
  if (attributes) writeAttributes(writer, 0x32, attributes)
  writeVarint(writer, 0x38, record.droppedAttributesCount)
  if (spanContext?.traceFlags) writeFixed32(writer, 0x45, spanContext.traceFlags)
  if (spanContext?.traceId) writeHex(writer, 0x4a, spanContext.traceId)
  if (spanContext?.spanId) writeHex(writer, 0x52, spanContext.spanId)
  writeTime(writer, 0x59, record.hrTimeObserved)
  if (eventName) writeString(writer, 0x62, eventName)
}
