import type { Resource } from '@opentelemetry/resources'
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'
import type { MetricData, ResourceMetrics } from '@opentelemetry/sdk-metrics'
import {
  closeMessage,
  copyWritten,
  createWriter,
  openMessage,
  type Writer,
  writeEncoded,
  writeString,
  writeVarint,
} from './protobuf-writer.ts'
import { writeAttributes } from './write-value.ts'

/** As log records have it: that of a span may have attributes too, which its type does not say. */
type Scope = ReadableLogRecord['instrumentationScope']

/** Where a span or log record comes from. */
export type Placed = { readonly resource: Resource; readonly instrumentationScope: Scope }

/** Items by what they come from. */
export type Groups<T> = Iterable<readonly [Resource, Iterable<readonly [Scope, Iterable<T>]>]>

/** Fields of Export{Trace,Metrics,Logs}ServiceRequest and below: the numbers are the same for all. */
const RESOURCE_ITEMS = 0x0a
const RESOURCE = 0x0a
const SCOPE_ITEMS = 0x12
const SCOPE = 0x0a
const ITEM = 0x12
const SCHEMA_URL = 0x1a

/** Of Resource, and of InstrumentationScope. */
const RESOURCE_ATTRIBUTES = 0x0a
const RESOURCE_DROPPED = 0x10
const SCOPE_NAME = 0x0a
const SCOPE_VERSION = 0x12
const SCOPE_ATTRIBUTES = 0x1a
const SCOPE_DROPPED = 0x20

/** Guesses for `openMessage`: items of 128 bytes to 16 KiB, containers of up to 2 MiB. */
const ITEM_LENGTH_BYTES = 2
const CONTAINER_LENGTH_BYTES = 3

const CAPACITY_BYTES = 65_536

/** A buffer that a rare large request made larger than this is let go. */
const KEPT_BYTES_MAX = 1_048_576

type Writers = {
  /** Unused at the moment. A getter of the app's may lead to another request inside of this one, which then gets a writer of its own. */
  idle?: Writer | undefined
}

/**
 * Makes the function that encodes an Export{Trace,Metrics,Logs}ServiceRequest, byte for byte as the official serializer does;
 * `writeItem` writes the fields of one Span, Metric or LogRecord. What an item throws is thrown, and leaves nothing behind.
 */
export function createRequestEncoder<Given, T>(
  group: (given: readonly Given[]) => Groups<T>,
  writeItem: (writer: Writer, item: T) => void,
): (given: readonly Given[]) => Uint8Array {
  const writers: Writers = {}
  return function encodeRequest(given) {
    const writer = writers.idle ?? createWriter(CAPACITY_BYTES)
    writers.idle = undefined
    writer.pos = 0
    try {
      for (const [resource, scopes] of group(given)) writeResourceItems(writer, resource, scopes, writeItem)
      return copyWritten(writer)
    } finally {
      if (writer.bytes.length <= KEPT_BYTES_MAX) writers.idle = writer
    }
  }
}

/** Spans or log records, by identity of their origin, in the order of its first appearance. Neighbours mostly have the same. */
export function groupItems<T extends Placed>(items: readonly T[]): Groups<T> {
  const groups = new Map<Resource, Map<Scope, T[]>>()
  let previous: Placed | undefined
  let group: T[] = []
  for (const item of items) {
    const { resource, instrumentationScope } = item
    if (previous?.resource !== resource || previous.instrumentationScope !== instrumentationScope) {
      const scopes = getOrInsert(groups, resource, () => new Map())
      group = getOrInsert(scopes, instrumentationScope, () => [])
      previous = { resource, instrumentationScope }
    }
    group.push(item)
  }
  return groups
}

/** Metrics, which the SDK has grouped. */
export function groupMetrics(collections: readonly ResourceMetrics[]): Groups<MetricData> {
  return collections.map(({ resource, scopeMetrics }) => [resource, scopeMetrics.map(({ scope, metrics }) => [scope, metrics] as const)])
}

function getOrInsert<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  const found = map.get(key)
  if (found !== undefined) return found
  const created = create()
  map.set(key, created)
  return created
}

function writeResourceItems<T>(
  writer: Writer,
  resource: Resource,
  scopes: Iterable<readonly [Scope, Iterable<T>]>,
  writeItem: (writer: Writer, item: T) => void,
): void {
  const start = openMessage(writer, RESOURCE_ITEMS, CONTAINER_LENGTH_BYTES)
  if (resource.asyncAttributesPending) writeResource(writer, resource)
  else writeOnce(writer, resource, writeResource)
  for (const [scope, items] of scopes) {
    const scopeStart = openMessage(writer, SCOPE_ITEMS, CONTAINER_LENGTH_BYTES)
    writeOnce(writer, scope, writeScope)
    for (const item of items) {
      const itemStart = openMessage(writer, ITEM, ITEM_LENGTH_BYTES)
      writeItem(writer, item)
      closeMessage(writer, itemStart, ITEM_LENGTH_BYTES)
    }
    if (scope.schemaUrl) writeString(writer, SCHEMA_URL, scope.schemaUrl)
    closeMessage(writer, scopeStart, CONTAINER_LENGTH_BYTES)
  }
  if (resource.schemaUrl) writeString(writer, SCHEMA_URL, resource.schemaUrl)
  closeMessage(writer, start, CONTAINER_LENGTH_BYTES)
}

/** Encoded resources and scopes, which live as long as their providers: a third of the time of a request with a single span. */
const ENCODED = new WeakMap<object, Uint8Array>()

function writeOnce<T extends object>(writer: Writer, origin: T, write: (writer: Writer, origin: T) => void): void {
  const encoded = ENCODED.get(origin)
  if (encoded !== undefined) {
    writeEncoded(writer, encoded)
    return
  }
  const start = writer.pos
  write(writer, origin)
  ENCODED.set(origin, copyWritten(writer, start))
}

function writeResource(writer: Writer, { attributes }: Resource): void {
  const start = openMessage(writer, RESOURCE)
  if (attributes) writeAttributes(writer, RESOURCE_ATTRIBUTES, attributes)
  writeVarint(writer, RESOURCE_DROPPED, 0)
  closeMessage(writer, start)
}

function writeScope(writer: Writer, scope: Scope): void {
  const start = openMessage(writer, SCOPE)
  writeString(writer, SCOPE_NAME, scope.name)
  if (scope.version) writeString(writer, SCOPE_VERSION, scope.version)
  if (scope.attributes) writeAttributes(writer, SCOPE_ATTRIBUTES, scope.attributes)
  if (scope.droppedAttributesCount) writeVarint(writer, SCOPE_DROPPED, scope.droppedAttributesCount)
  closeMessage(writer, start)
}
