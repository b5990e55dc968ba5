import type { Link, SpanContext, SpanStatus } from '@opentelemetry/api'
import type { ReadableSpan, TimedEvent } from '@opentelemetry/sdk-trace'
import { closeMessage, openMessage, type Writer, writeFixed32, writeHex, writeString, writeTime, writeVarint } from './protobuf-writer.ts'
import { writeAttributes } from './write-value.ts'

/**
 * Writes the fields of one Span, in their order and as the official serializer does, zeros and empty texts included.
 * https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto
 */
export function writeSpan(writer: Writer, span: ReadableSpan): void {
  const context = span.spanContext()
  const parent = span.parentSpanContext
  const traceState = context.traceState?.serialize()
  writeHex(writer, 0x0a, context.traceId)
  writeHex(writer, 0x12, context.spanId)
  if (traceState) writeString(writer, 0x1a, traceState)
  if (parent?.spanId) writeHex(writer, 0x22, parent.spanId)
  writeString(writer, 0x2a, span.name)
  if (span.kind != null) writeVarint(writer, 0x30, span.kind + 1) // the API counts from 0, which OTLP calls unspecified
  writeTime(writer, 0x39, span.startTime)
  writeTime(writer, 0x41, span.endTime)
  if (span.attributes) writeAttributes(writer, 0x4a, span.attributes)
  writeVarint(writer, 0x50, span.droppedAttributesCount)
  for (const event of span.events) writeEvent(writer, event)
  writeVarint(writer, 0x60, span.droppedEventsCount)
  for (const link of span.links) writeLink(writer, link)
  writeVarint(writer, 0x70, span.droppedLinksCount)
  writeStatus(writer, span.status)
  writeFixed32(writer, 0x85, flags(context, parent?.isRemote))
}

function writeEvent(writer: Writer, event: TimedEvent): void {
  const start = openMessage(writer, 0x5a)
  writeTime(writer, 0x09, event.time)
  writeString(writer, 0x12, event.name)
  if (event.attributes) writeAttributes(writer, 0x1a, event.attributes)
  writeVarint(writer, 0x20, event.droppedAttributesCount || 0)
  closeMessage(writer, start)
}

function writeLink(writer: Writer, { context, attributes, droppedAttributesCount }: Link): void {
  const start = openMessage(writer, 0x6a)
  const traceState = context.traceState?.serialize()
  writeHex(writer, 0x0a, context.traceId)
  writeHex(writer, 0x12, context.spanId)
  if (traceState) writeString(writer, 0x1a, traceState)
  if (attributes) writeAttributes(writer, 0x22, attributes)
  writeVarint(writer, 0x28, droppedAttributesCount || 0)
  writeFixed32(writer, 0x35, flags(context, context.isRemote))
  closeMessage(writer, start)
}

function writeStatus(writer: Writer, status: SpanStatus): void {
  const start = openMessage(writer, 0x7a)
  if (status.message) writeString(writer, 0x12, status.message)
  writeVarint(writer, 0x18, status.code)
  closeMessage(writer, start)
}

/** SpanFlags: the trace flags, that it is known whether the other side is remote, and whether it is. */
function flags(context: SpanContext, isRemote: boolean | undefined): number {
  return (context.traceFlags & 0xff) | 0x100 | (isRemote ? 0x200 : 0)
}
