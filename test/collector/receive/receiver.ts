import { connect, type Socket } from 'node:net'
import { afterEach } from 'vitest'
import type { Batch, Sink } from '../../../collector/src/batch.ts'
import { createReceiver, type ReceiverOptions } from '../../../collector/src/receive/http.ts'
import { createRefusalStats, type RefusalStats } from '../../../collector/src/refusal-stats.ts'
import { createStats, type Stats } from '../../../collector/src/stats.ts'
import type { TlsTexts } from '../../../collector/src/tls.ts'
import type { Outcome } from '../../../src/wire/outcome.ts'

export type Running = {
  readonly url: string
  readonly port: number
  readonly stats: Stats
  readonly refusals: RefusalStats
  readonly batches: readonly Batch[]
  readonly faults: readonly Error[]
  readonly renewTls: (tls: TlsTexts) => void
  readonly stop: (timeoutMs?: number) => Promise<boolean>
}

const running: Running[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.stop(100)))
})

/** Starts a receiver on a free loopback port whose sink keeps the batches and gives `outcome`. Stopped after the test. */
export async function startReceiver(outcome: Outcome | Sink = { kind: 'ok' }, options: Partial<ReceiverOptions> = {}): Promise<Running> {
  const batches: Batch[] = []
  const faults: Error[] = []
  const stats = createStats()
  const all: Sink = async (batch, signal) => {
    batches.push(batch)
    return typeof outcome === 'function' ? outcome(batch, signal) : outcome
  }
  const refusals = createRefusalStats()
  const receiver = createReceiver({ routes: { all }, stats, refusals, onFault: (error) => faults.push(error), ...options })
  const { host, port } = await receiver.listen('127.0.0.1', 0)
  const { renewTls } = receiver
  const started = {
    url: `http://${host}:${port}`,
    port,
    stats,
    refusals,
    batches,
    faults,
    renewTls,
    stop: (timeoutMs = 1_000) => receiver.stop(timeoutMs),
  }
  running.push(started)
  return started
}

/** POSTs an export request; protobuf unless `headers` say otherwise. */
export function post(url: string, body: Uint8Array | string, headers: Record<string, string> = {}): Promise<Response> {
  const bytes = typeof body === 'string' ? body : new Uint8Array(body)
  return fetch(url, { method: 'POST', body: bytes, headers: { 'content-type': 'application/x-protobuf', ...headers } })
}

/** A raw connection whose answers are collected as text. */
export function openSocket(port: number): Promise<{ socket: Socket; text: () => string; closed: Promise<void> }> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port })
    let received = ''
    socket.on('data', (data) => {
      received += data.toString('latin1')
    })
    socket.on('error', () => {})
    const closed = new Promise<void>((end) => socket.on('close', () => end()))
    socket.once('connect', () => resolve({ socket, text: () => received, closed }))
    socket.once('error', reject)
  })
}
