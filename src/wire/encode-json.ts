import { JsonLogsSerializer, JsonMetricsSerializer, JsonTraceSerializer } from '@opentelemetry/otlp-transformer'
import type { ItemOf } from './item.ts'
import type { Signal } from './signal.ts'

type Encode<T> = (items: T[]) => Uint8Array | undefined

const ENCODE: { readonly [S in Signal]: Encode<ItemOf[S]> } = {
  traces: JsonTraceSerializer.serializeRequest,
  logs: JsonLogsSerializer.serializeRequest,
  metrics: ([metrics]) => metrics && JsonMetricsSerializer.serializeRequest(metrics),
}

/** Encodes OTLP/JSON requests of one signal. Loaded only where that is asked for. */
export function createJsonEncoder<S extends Signal>(signal: S): Encode<ItemOf[S]> {
  return ENCODE[signal]
}
