import { leave, readTag, readUint32, skip } from '../../../src/wire/protobuf.ts'
import type { LogRecord, Value } from '../batch.ts'
import { SEVERITY_MAX } from '../level.ts'
import { readName } from './name.ts'
import { toEnum } from './number.ts'
import { addRecord, type Place, readRequest } from './request.ts'
import { enterRecord, type Reader, readId } from './text.ts'
import { deriveUid, readUid, UID_KEY } from './uid.ts'
import { type Building, readKeyValue, readTimeUs, readValue, setAttribute } from './value.ts'

/** Reads an ExportLogsServiceRequest. https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/logs/v1/logs.proto */
export function readLogs(bytes: Uint8Array): LogRecord[] {
  return readRequest(bytes, readLogRecord)
}

function readLogRecord(reader: Reader, place: Place, records: LogRecord[]): void {
  const outer = enterRecord(reader)
  const start = reader.pos
  const attributes: Building = {}
  let [timeUs, observedUs, severity] = [0, 0, 0]
  let [severityText, traceId, spanId, eventName] = ['', '', '', '']
  let body: Value = null
  let givenUid: string | undefined
  while (reader.pos < reader.end) {
    const tag = readTag(reader)
    switch (tag) {
      case 0x09:
        timeUs = readTimeUs(reader)
        break
      case 0x10:
        severity = toEnum(readUint32(reader), SEVERITY_MAX)
        break
      case 0x1a:
        severityText = readName(reader)
        break
      case 0x2a:
        body = readValue(reader)
        break
      case 0x32: {
        const value = readKeyValue(reader)
        if (reader.key === UID_KEY) givenUid = readUid(reader, value)
        else setAttribute(attributes, reader.key, value)
        break
      }
      case 0x4a:
        traceId = readId(reader, 16, 'trace_id')
        break
      case 0x52:
        spanId = readId(reader, 8, 'span_id')
        break
      case 0x59:
        observedUs = readTimeUs(reader)
        break
      case 0x62:
        eventName = readName(reader)
        break
      default:
        skip(reader, tag)
    }
  }
  const uid = givenUid ?? deriveUid(place, reader.bytes.subarray(start, reader.end))
  const { resource, scope } = place
  addRecord(records, { resource, scope, uid, timeUs, observedUs, severity, severityText, body, attributes, traceId, spanId, eventName })
  leave(reader, outer)
}
