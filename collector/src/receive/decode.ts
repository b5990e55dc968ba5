import { ProtobufError } from '../../../src/wire/protobuf.ts'
import type { Chunk, Signal } from '../../../src/wire/signal.ts'
import type { Batch, Source } from '../batch.ts'
import { DecodeError } from './decode-error.ts'
import { parseLogs, parseTraces } from './json.ts'
import { parseMetrics } from './json-metrics.ts'
import { checkShape } from './json-shape.ts'
import { readLogs } from './logs.ts'
import { readMetrics } from './metrics.ts'
import { readTraces } from './traces.ts'

/**
 * Decodes an Export{Trace,Metrics,Logs}ServiceRequest straight into flat records; unknown fields are ignored, as OTLP asks.
 *
 * Throws {@link DecodeError} for bytes that are no such request.
 */
export function decode(signal: Signal, encoding: Chunk['encoding'], bytes: Uint8Array): Batch {
  return encoding === 'json' ? parse(signal, bytes) : read(signal, bytes)
}

/** The same, for whoever waits with it: {@link Batch} says what `release` is. */
export function openBatch<S extends Signal>(signal: S, { encoding, bytes }: Omit<Source, 'items'>): Extract<Batch, { readonly signal: S }> {
  const open = () => decode(signal, encoding, bytes)
  let decoded: Batch | undefined = open()
  const batch = {
    signal,
    source: { encoding, bytes, items: decoded.records.length },
    get records() {
      decoded ??= open()
      return decoded.records
    },
    release() {
      decoded = undefined
    },
  }
  // The compiler does not see that both come from the same signal.
  return batch as unknown as Extract<Batch, { readonly signal: S }>
}

function read(signal: Signal, bytes: Uint8Array): Batch {
  try {
    if (signal === 'logs') return { signal, records: readLogs(bytes) }
    if (signal === 'traces') return { signal, records: readTraces(bytes) }
    return { signal, records: readMetrics(bytes) }
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error
    throw new DecodeError(`the body is no OTLP ${signal} request in protobuf: ${error.message}`, { cause: error })
  }
}

function parse(signal: Signal, bytes: Uint8Array): Batch {
  const request = parseJson(signal, bytes)
  if (signal === 'logs') return { signal, records: parseLogs(request) }
  if (signal === 'traces') return { signal, records: parseTraces(request) }
  return { signal, records: parseMetrics(request) }
}

function parseJson(signal: Signal, bytes: Uint8Array): unknown {
  checkShape(bytes)
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new DecodeError(`the body is no OTLP ${signal} request in JSON: ${reason}`, { cause: error })
  }
}
