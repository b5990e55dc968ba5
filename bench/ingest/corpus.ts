/** Export requests of log records and spans as the SDK sends them, each record different, kept in a file that every process of a run reads. */
import { randomBytes, randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api'
import { ProtobufLogsSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import { resourceFromAttributes } from '@opentelemetry/resources'
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'

export type CorpusOptions = {
  readonly signal: 'logs' | 'traces'
  readonly requests: number
  /** Of each request. 512 is what the SDK sends at most unless told otherwise. */
  readonly records: number
  /** The events spread backwards from now over this many days. Default 0. */
  readonly days?: number
}

const resource = resourceFromAttributes({
  'service.name': 'tts-api',
  'service.instance.id': randomUUID(),
  'service.version': '1.4.2',
  'host.name': 'web-1',
})
const SCOPE = { name: 'app.tts' }

/** Writes the requests one after the other, each behind its length. */
export function writeCorpus(file: string, bodies: readonly Uint8Array[]): void {
  const frames = bodies.flatMap((body) => {
    const length = Buffer.alloc(4)
    length.writeUInt32LE(body.length)
    return [length, body]
  })
  writeFileSync(file, Buffer.concat(frames))
}

export function readCorpus(file: string): Uint8Array[] {
  const bytes = readFileSync(file)
  const bodies: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at)
    bodies.push(bytes.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  return bodies
}

export function makeCorpus({ signal, requests, records, days = 0 }: CorpusOptions): Uint8Array[] {
  const startMs = Date.now()
  const total = requests * records
  return Array.from({ length: requests }, (_, request) => {
    const times = Array.from({ length: records }, (_, index) => timeOf(startMs - ((request * records + index) / total) * days * 86_400_000))
    const bytes =
      signal === 'logs'
        ? ProtobufLogsSerializer.serializeRequest(times.map(makeLog))
        : ProtobufTraceSerializer.serializeRequest(times.map(makeSpan))
    if (bytes === undefined) throw new Error('the serializer gave nothing')
    return bytes
  })
}

/** Ten attributes with the uid, five percent errors. */
function makeLog(time: [number, number], index: number): ReadableLogRecord {
  const failed = index % 20 === 0
  return {
    hrTime: time,
    hrTimeObserved: time,
    severityNumber: failed ? 17 : 9,
    severityText: failed ? 'ERROR' : 'INFO',
    body: `Speech generated for request ${index} in ${(index * 7) % 900} ms`,
    attributes: {
      'log.record.uid': randomUUID(),
      request_id: randomUUID(),
      user_id: `user-${index % 500}`,
      source: 'app.tts',
      'tts.voice': 'Kore',
      'tts.model': 'gemini-3-flash-tts',
      'tts.input.characters': index % 300,
      'tts.audio.duration': (index % 97) / 10,
      'http.route': '/tts',
      'http.response.status_code': failed ? 502 : 200,
    },
    spanContext: { traceId: hex(16), spanId: hex(8), traceFlags: TraceFlags.SAMPLED },
    resource,
    instrumentationScope: SCOPE,
    droppedAttributesCount: 0,
  }
}

function makeSpan(time: [number, number], index: number): ReadableSpan {
  const failed = index % 20 === 0
  const traceId = hex(16)
  return {
    name: 'tts_request',
    kind: SpanKind.INTERNAL,
    spanContext: () => ({ traceId, spanId: hex(8), traceFlags: TraceFlags.SAMPLED }),
    parentSpanContext: { traceId, spanId: hex(8), traceFlags: TraceFlags.SAMPLED },
    startTime: time,
    endTime: [time[0] + 1, time[1]],
    duration: [1, 0],
    ended: true,
    status: failed ? { code: SpanStatusCode.ERROR, message: 'quota' } : { code: SpanStatusCode.UNSET },
    attributes: {
      request_id: randomUUID(),
      user_id: `user-${index % 500}`,
      'tts.voice': 'Kore',
      'tts.model': 'gemini-3-flash-tts',
      'tts.input.characters': index % 300,
      'tts.audio.duration': (index % 97) / 10,
      'tts.outcome': failed ? 'error' : 'ok',
    },
    events: [{ name: 'API call completed', time, attributes: { 'tts.attempts': 1 } }],
    links: [],
    resource,
    instrumentationScope: SCOPE,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  }
}

function timeOf(ms: number): [number, number] {
  const seconds = Math.floor(ms / 1_000)
  return [seconds, Math.floor((ms - seconds * 1_000) * 1_000_000)]
}

function hex(byteCount: number): string {
  return randomBytes(byteCount).toString('hex')
}
