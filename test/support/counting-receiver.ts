import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Batch, LogRecord, MetricPoint, SpanRecord } from '../../collector/src/batch.ts'
import { decode } from '../../collector/src/receive/decode.ts'
import type { Signal } from '../../src/wire/signal.ts'
import { decompress, OK, type Reply, send } from '../delivery/support/collector.ts'

/** A request that arrived complete. */
export type Arrived = {
  readonly signal: Signal
  /** Of the spans, the log records (their texts) or the metric points inside. */
  readonly names: readonly string[]
  /** Of the body, decompressed. */
  readonly bytes: number
}

/** How a receiver treats what arrives. */
export type Behaviour = (request: Arrived) => Reply | Promise<Reply>

export const up: Behaviour = () => OK
export const hanging: Behaviour = () => 'hang'
/** Takes a request and breaks the connection without an answer. */
export const breaking: Behaviour = () => 'reset'
/** Stores a request and breaks the connection in the middle of the answer. */
export const resetting: Behaviour = () => 'reset mid-body'
export const slow =
  (delayMs: number): Behaviour =>
  () =>
    new Promise((resolve) => setTimeout(resolve, delayMs, OK))
export const answering =
  (status: number, headers: Record<string, string> = {}): Behaviour =>
  () => ({ status, headers })
/** 400 for each request with one of these items in it. */
export const poisonedBy =
  (...poison: readonly string[]): Behaviour =>
  ({ names }) =>
    poison.some((name) => names.includes(name)) ? { status: 400 } : OK
/** 413 for each larger body. */
export const limitedTo =
  (bytesMax: number): Behaviour =>
  ({ bytes }) =>
    bytes > bytesMax ? { status: 413 } : OK

/** What has been stored of one signal. */
export type Tally = {
  /** Identity (trace and span id, `log.record.uid`, series and time) to name: what a store that takes each record once would hold. */
  readonly stored: ReadonlyMap<string, string>
  /** Records that came again: the store would drop them. */
  readonly duplicates: () => number
}

export type CountingReceiver = {
  readonly url: string
  readonly spans: Tally
  readonly logs: Tally
  readonly metrics: Tally
  /** Why a body could not be read; any is a bug of the sender. */
  readonly unreadable: readonly string[]
  /** `performance.now()` of each complete request, whatever became of it. */
  readonly arrivals: readonly { readonly signal: Signal; readonly atMs: number }[]
  /** From the next request on. */
  readonly behave: (behaviour: Behaviour) => void
  /** Refuses connections from now on, and breaks those that are open. */
  readonly stop: () => Promise<void>
  /** Listens again, on the same port. */
  readonly start: () => Promise<void>
}

export type ReceiverOptions = {
  readonly behaviour?: Behaviour
  /** Sees each batch that is stored; the receiver itself keeps names only. */
  readonly onStored?: (batch: Batch) => void
}

/**
 * Below the ports that systems give out by themselves: while a receiver is stopped, nobody else must get its port, be it as a server or
 * for a connection of its own.
 */
const PORTS = { from: 20_000, count: 12_000 }

/** Far from those of another process of the same tests. */
const FIRST_PORT = process.pid * 97

const opened = { count: 0 }

/**
 * A real OTLP/HTTP server, protobuf and JSON, that stores what it answers with 200 and counts it by identity. It is up when the promise
 * resolves.
 */
export async function startCountingReceiver({ behaviour = up, onStored }: ReceiverOptions = {}): Promise<CountingReceiver> {
  const tallies = { traces: createTally(), logs: createTally(), metrics: createTally() }
  const unreadable: string[] = []
  const arrivals: { signal: Signal; atMs: number }[] = []
  let behave = behaviour

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { bytes, batch } = await readBatch(request)
    const items = identify(batch)
    arrivals.push({ signal: batch.signal, atMs: performance.now() })
    const reply = await behave({ signal: batch.signal, names: items.map(([, name]) => name), bytes })
    if (reply === 'reset mid-body' || (typeof reply === 'object' && reply.status === 200)) {
      for (const [id, name] of items) tallies[batch.signal].add(id, name)
      onStored?.(batch)
    }
    send(response, reply)
  }

  const listener = (request: IncomingMessage, response: ServerResponse) => {
    handle(request, response).catch((error: Error) => {
      // A sender that was killed in the middle is no bug.
      if (!request.destroyed || request.complete) unreadable.push(`${request.url}: ${error.message}`)
      send(response, { status: 400 })
    })
  }

  let server = await listen(listener)
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    spans: tallies.traces,
    logs: tallies.logs,
    metrics: tallies.metrics,
    unreadable,
    arrivals,
    behave: (next) => {
      behave = next
    },
    stop: () =>
      new Promise((stopped) => {
        server.close(() => stopped())
        server.closeAllConnections()
      }),
    async start() {
      if (!server.listening) server = await listen(listener, port)
    },
  }
}

async function listen(listener: (request: IncomingMessage, response: ServerResponse) => void, again?: number): Promise<Server> {
  const port = again ?? PORTS.from + ((FIRST_PORT + opened.count++) % PORTS.count)
  const server = createServer(listener).listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
    return server
  } catch (error) {
    if (again !== undefined || opened.count > PORTS.count) throw error
    return listen(listener)
  }
}

function createTally() {
  const stored = new Map<string, string>()
  let duplicates = 0
  return {
    stored,
    duplicates: () => duplicates,
    add(id: string, name: string): void {
      if (stored.has(id)) duplicates++
      stored.set(id, name)
    },
  }
}

async function readBatch(request: IncomingMessage): Promise<{ readonly bytes: number; readonly batch: Batch }> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part)
  const body = decompress(Buffer.concat(parts), request.headers['content-encoding'])
  const signal = /^\/v1\/(traces|metrics|logs)$/.exec(request.url ?? '')?.[1]
  if (signal !== 'traces' && signal !== 'metrics' && signal !== 'logs') throw new Error('no OTLP path')
  const encoding = request.headers['content-type'] === 'application/json' ? 'json' : 'protobuf'
  return { bytes: body.length, batch: decode(signal, encoding, body) }
}

/** Identity and name of each record. */
function identify(batch: Batch): readonly (readonly [id: string, name: string])[] {
  if (batch.signal === 'traces') return batch.records.map(identifySpan)
  if (batch.signal === 'logs') return batch.records.map(identifyLog)
  return batch.records.map(identifyPoint)
}

const identifySpan = ({ traceId, spanId, name }: SpanRecord) => [`${traceId}${spanId}`, name] as const
const identifyLog = ({ uid, body }: LogRecord) => [uid, String(body)] as const
const identifyPoint = ({ resource, name, attributes, timeUs }: MetricPoint) =>
  [`${resource.instanceId} ${name} ${JSON.stringify(attributes)} ${timeUs}`, name] as const
