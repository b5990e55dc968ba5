import { randomBytes, randomUUID } from 'node:crypto'
import { ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer'
import { resourceFromAttributes } from '@opentelemetry/resources'
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'

const resource = resourceFromAttributes({ 'service.name': 'tts-api', 'service.instance.id': randomUUID(), 'host.name': 'web-1' })

/** OTLP protobuf of log records as the SDK sends them, of one speech request each. `request_id` is a random one, or what `requestId` gives. */
export function logsRequest(records: number, requestId: (index: number) => string = () => randomUUID()): Uint8Array {
  const made = Array.from({ length: records }, (_, index): ReadableLogRecord => {
    const now = Date.now()
    const time: [number, number] = [Math.floor(now / 1_000), (now % 1_000) * 1_000_000]
    return {
      hrTime: time,
      hrTimeObserved: time,
      severityNumber: index % 20 === 0 ? 17 : 9,
      severityText: index % 20 === 0 ? 'ERROR' : 'INFO',
      body: `Speech generated for request ${index} in ${(index * 7) % 900} ms`,
      attributes: {
        'log.record.uid': randomUUID(),
        request_id: requestId(index),
        user_id: `user-${index % 500}`,
        source: 'app.tts',
        'tts.voice': 'Kore',
        'tts.input.characters': index % 300,
        'tts.audio.duration': (index % 97) / 10,
        'http.route': '/tts',
      },
      spanContext: { traceId: randomBytes(16).toString('hex'), spanId: randomBytes(8).toString('hex'), traceFlags: 1 },
      resource,
      instrumentationScope: { name: 'app.tts' },
      droppedAttributesCount: 0,
    }
  })
  const bytes = ProtobufLogsSerializer.serializeRequest(made)
  if (bytes === undefined) throw new Error('the serializer gave nothing')
  return bytes
}
