/**
 * The production path with what we ship for it, each part in a process of its own:
 *
 *     official collector ──► HAProxy ──┬─► fan-out 1 ─┬─► PostgreSQL
 *                  │                   ├─► fan-out 2 ─┴─► Elasticsearch
 *                  └─► Jaeger          └─► evaluator
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { testedNode } from '../../support/run-node.ts'
import { type CountingSink, startCountingSinks } from './counting-sinks.ts'
import { answersOk, createDaemon, type Daemon } from './daemon.ts'
import { createElasticsearch, type ElasticsearchServer } from './elasticsearch.ts'
import { createHaproxy } from './haproxy.ts'
import { createJaeger, type Jaeger } from './jaeger.ts'
import { createOtelcol, FANOUT_TOKEN, type Otelcol } from './otelcol.ts'
import { createPostgres, freePort, type PostgresServer } from './postgres.ts'

export type Production = {
  readonly otelcol: Otelcol
  readonly postgres: PostgresServer
  readonly elasticsearch: ElasticsearchServer
  readonly jaeger: Jaeger
  /** A stand-in. */
  readonly evaluator: CountingSink
  readonly fanouts: readonly [Fanout, Fanout]
  /** Ends everything and removes its data. */
  remove(): Promise<void>
}

/** One of ours; `address` is host:port. */
export type Fanout = Daemon & { readonly address: string }

/** As it is published. */
const FANOUT = fileURLToPath(new URL('../../../collector/bin.js', import.meta.url))

/** A loopback address on which nobody listens: the official collector's ports are those of its configuration. */
export function freeHost(): string {
  const part = () => 1 + Math.floor(Math.random() * 254)
  return `127.${part()}.${part()}.${part()}`
}

/** Starts everything. */
export async function startProduction(env: Readonly<Record<string, string>> = {}): Promise<Production> {
  const [postgres, elasticsearch, sinks] = await Promise.all([createPostgres(), createElasticsearch(), startCountingSinks()])
  const folder = mkdtempSync(join(tmpdir(), 'tts-otel-production-'))
  const shared = { DATABASE_URL: postgres.url, ELASTICSEARCH_URL: elasticsearch.url, INGEST_TOKEN: FANOUT_TOKEN }
  const fanouts = [
    await createFanout({ ...shared, COLLECTOR_DATA_DIR: join(folder, '1') }),
    await createFanout({ ...shared, COLLECTOR_DATA_DIR: join(folder, '2') }),
  ] as const
  const listen = `127.0.0.1:${await freePort()}`
  const haproxy = createHaproxy({ listen, fanouts: [fanouts[0].address, fanouts[1].address], evaluator: sinks.address })
  const jaeger = createJaeger(freeHost())
  const otelcol = createOtelcol(freeHost(), {
    env: { FANOUT_URL: `http://${listen}`, EVALUATOR_URL: `http://${listen}`, JAEGER_URL: jaeger.url, ...env },
  })

  async function remove(): Promise<void> {
    await otelcol.remove()
    await Promise.all([haproxy.end('SIGKILL'), jaeger.remove(), sinks.stop(), ...fanouts.map(({ end }) => end('SIGKILL'))])
    await Promise.all([postgres.remove(), elasticsearch.remove()])
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await Promise.all([postgres.start(), elasticsearch.start()])
    await Promise.all([haproxy.start(), jaeger.start(), ...fanouts.map(({ start }) => start())])
    await otelcol.start()
  } catch (error) {
    await remove()
    throw error
  }
  return { otelcol, postgres, elasticsearch, jaeger, evaluator: sinks.alerts, fanouts, remove }
}

async function createFanout(env: Readonly<Record<string, string>>): Promise<Fanout> {
  const address = `127.0.0.1:${await freePort()}`
  const daemon = createDaemon({
    name: 'A fan-out',
    program: testedNode(),
    args: [FANOUT],
    env: { ...env, COLLECTOR_LISTEN: address },
    isReady: () => answersOk(`http://${address}/readyz`),
  })
  return Object.assign(daemon, { address })
}
