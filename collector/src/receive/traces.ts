import { enter, leave, readFixed64, readTag, readUint32, skip } from '../../../src/wire/protobuf.ts'
import type { SpanEvent, SpanLink, SpanRecord } from '../batch.ts'
import { readName } from './name.ts'
import { toEnum, toMicroseconds } from './number.ts'
import { addRecord, type Place, readRequest } from './request.ts'
import { enterRecord, type Reader, readId, readString } from './text.ts'
import { type Building, readAttribute, readTimeUs } from './value.ts'

/** Reads an ExportTraceServiceRequest. https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto */
export function readTraces(bytes: Uint8Array): SpanRecord[] {
  return readRequest(bytes, readSpan)
}

export const SPAN_KIND_MAX = 5
export const STATUS_CODE_MAX = 2

function readSpan(reader: Reader, { resource, scope }: Place, records: SpanRecord[]): void {
  const outer = enterRecord(reader)
  const attributes: Building = {}
  const events: SpanEvent[] = []
  const links: SpanLink[] = []
  let [traceId, spanId, parentSpanId, name] = ['', '', '', '']
  let [kind, startHigh, startLow, endHigh, endLow] = [0, 0, 0, 0, 0]
  let status = UNSET
  while (reader.pos < reader.end) {
    const tag = readTag(reader)
    switch (tag) {
      case 0x0a:
        traceId = readId(reader, 16, 'trace_id')
        break
      case 0x12:
        spanId = readId(reader, 8, 'span_id')
        break
      case 0x22:
        parentSpanId = readId(reader, 8, 'parent_span_id')
        break
      case 0x2a:
        name = readName(reader)
        break
      case 0x30:
        kind = toEnum(readUint32(reader), SPAN_KIND_MAX)
        break
      case 0x39:
        readFixed64(reader)
        startHigh = reader.high
        startLow = reader.low
        break
      case 0x41:
        readFixed64(reader)
        endHigh = reader.high
        endLow = reader.low
        break
      case 0x4a:
        readAttribute(reader, attributes)
        break
      case 0x5a:
        events.push(readEvent(reader))
        break
      case 0x6a:
        links.push(readLink(reader))
        break
      case 0x7a:
        status = readStatus(reader)
        break
      default:
        skip(reader, tag)
    }
  }
  const startUs = toMicroseconds(startHigh, startLow)
  const durationNs = Math.max(0, (endHigh - startHigh) * 0x1_0000_0000 + (endLow - startLow)) // a clock set back must not make it negative
  const { statusCode, statusMessage } = status
  // biome-ignore format: one record, one glance
  addRecord(records, { resource, scope, traceId, spanId, parentSpanId, name, kind, startUs, durationNs, statusCode, statusMessage, attributes, events, links })
  leave(reader, outer)
}

const UNSET = { statusCode: 0, statusMessage: '' }

function readStatus(reader: Reader): typeof UNSET {
  const outer = enter(reader)
  const status = { ...UNSET }
  while (reader.pos < reader.end) {
    const tag = readTag(reader)
    if (tag === 0x12) status.statusMessage = readString(reader)
    else if (tag === 0x18) status.statusCode = toEnum(readUint32(reader), STATUS_CODE_MAX)
    else skip(reader, tag)
  }
  leave(reader, outer)
  return status
}

function readEvent(reader: Reader): SpanEvent {
  const outer = enter(reader)
  const attributes: Building = {}
  let timeUs = 0
  let name = ''
  while (reader.pos < reader.end) {
    const tag = readTag(reader)
    if (tag === 0x09) timeUs = readTimeUs(reader)
    else if (tag === 0x12) name = readName(reader)
    else if (tag === 0x1a) readAttribute(reader, attributes)
    else skip(reader, tag)
  }
  leave(reader, outer)
  return { timeUs, name, attributes }
}

function readLink(reader: Reader): SpanLink {
  const outer = enter(reader)
  const attributes: Building = {}
  let traceId = ''
  let spanId = ''
  while (reader.pos < reader.end) {
    const tag = readTag(reader)
    if (tag === 0x0a) traceId = readId(reader, 16, 'trace_id of a link')
    else if (tag === 0x12) spanId = readId(reader, 8, 'span_id of a link')
    else if (tag === 0x22) readAttribute(reader, attributes)
    else skip(reader, tag)
  }
  leave(reader, outer)
  return { traceId, spanId, attributes }
}
