import { countItems, splitRequest } from './protobuf.ts'
import type { Chunk, Signal } from './signal.ts'

/**
 * Cuts a chunk into two of about half its items (spans, log records, metric points), in their order.
 *
 * Undefined when it is down to one item, or cannot be read.
 */
export function splitChunk(chunk: Chunk): readonly [Chunk, Chunk] | undefined {
  return chunk.encoding === 'protobuf' ? splitProtobuf(chunk) : splitJson(chunk)
}

function splitProtobuf(chunk: Chunk): readonly [Chunk, Chunk] | undefined {
  const halves = splitRequest(chunk.signal, chunk.bytes)
  if (halves === undefined) return undefined
  const [first, second] = halves
  const items = countItems(chunk.signal, first)
  return [
    { ...chunk, bytes: first, items },
    { ...chunk, bytes: second, items: chunk.items - items },
  ]
}

function splitJson(chunk: Chunk): readonly [Chunk, Chunk] | undefined {
  const request = parse(chunk.bytes)
  const path = PATHS[chunk.signal]
  const items = countNode(request, path)
  if (items < 2) return undefined
  const middle = items >> 1
  const half = (from: number, to: number): Chunk => ({
    ...chunk,
    bytes: Buffer.from(JSON.stringify(select(request, path, from, to))),
    items: to - from,
  })
  return [half(0, middle), half(middle, items)]
}

/** The keys of the containers from a request down to its items; one of the keys at each level is there. */
type Path = readonly (readonly string[])[]
const PATHS: Record<Signal, Path> = {
  traces: [['resourceSpans'], ['scopeSpans'], ['spans']],
  logs: [['resourceLogs'], ['scopeLogs'], ['logRecords']],
  metrics: [
    ['resourceMetrics'],
    ['scopeMetrics'],
    ['metrics'],
    ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'],
    ['dataPoints'],
  ],
}

type Json = { readonly [key: string]: unknown }

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString())
  } catch {
    return undefined // our own serializer wrote it, so this is a bug; the chunk then counts as one record
  }
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The containers of `node` at this level: a list, or the single object that holds a metric's points. */
function children(node: unknown, keys: readonly string[]): { key: string; list: readonly unknown[]; isList: boolean } | undefined {
  if (!isJson(node)) return undefined
  const key = keys.find((name) => name in node)
  if (key === undefined) return undefined
  const value = node[key]
  return Array.isArray(value) ? { key, list: value, isList: true } : { key, list: [value], isList: false }
}

function countNode(node: unknown, path: Path): number {
  const [keys, ...rest] = path
  if (keys === undefined) return 1
  return (children(node, keys)?.list ?? []).reduce<number>((sum, child) => sum + countNode(child, rest), 0)
}

/** A copy of `node` with its items `from` to `to` only; containers left empty go. */
function select(node: unknown, path: Path, from: number, to: number): unknown {
  const [keys, ...rest] = path
  const inner = keys && children(node, keys)
  if (!inner || !isJson(node)) return node
  let first = 0
  const kept: unknown[] = []
  for (const child of inner.list) {
    const items = countNode(child, rest)
    if (items > 0 && first < to && first + items > from) kept.push(select(child, rest, from - first, to - first))
    first += items
  }
  return { ...node, [inner.key]: inner.isList ? kept : kept[0] }
}
