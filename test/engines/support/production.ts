/**
 * The production path with what we ship for it, each part in a process of its own:
 *
 *     official collector ──► HAProxy ──┬─► fan-out 1 ─┬─► PostgreSQL
 *                  │                   ├─► fan-out 2 ─┴─► Elasticsearch
 *                  └─► Jaeger          └─► evaluator
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Issued } from '../../collector/support/authority.ts'
import { testedNode } from '../../support/run-node.ts'
import { type CountingSink, startCountingSinks } from './counting-sinks.ts'
import { answersOk, createDaemon, type Daemon } from './daemon.ts'
import { createElasticsearch, type ElasticsearchServer } from './elasticsearch.ts'
import { createHaproxy } from './haproxy.ts'
import { createJaeger, type Jaeger } from './jaeger.ts'
import { CONFIG, createOtelcol, FANOUT_TOKEN, type Otelcol, TLS } from './otelcol.ts'
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

export type ProductionOptions = {
  /** Settings of each fan-out, and of the official collector, beside those that connect them. */
  readonly fanoutEnv?: Readonly<Record<string, string>>
  readonly otelcolEnv?: Readonly<Record<string, string>>
  /** That the evaluator hears. */
  readonly evaluatorTokens?: readonly string[]
  /** For 127.0.0.1; with it the official collector, HAProxy, the fan-outs and the evaluator speak TLS alone. */
  readonly tls?: Issued
}

/** Starts everything. */
export async function startProduction({
  fanoutEnv,
  otelcolEnv,
  evaluatorTokens: tokens,
  tls,
}: ProductionOptions = {}): Promise<Production> {
  const [postgres, elasticsearch, sinks] = await Promise.all([createPostgres(), createElasticsearch(), startCountingSinks({ tokens, tls })])
  const folder = mkdtempSync(join(tmpdir(), 'tts-otel-production-'))
  const secured = tls && secure(tls, folder)
  const shared = { DATABASE_URL: postgres.url, ELASTICSEARCH_URL: elasticsearch.url, INGEST_TOKEN: FANOUT_TOKEN }
  const envOf = (name: string) => ({ ...shared, COLLECTOR_DATA_DIR: join(folder, name), ...secured?.fanoutEnv, ...fanoutEnv })
  const fanouts = [await createFanout(envOf('1'), tls?.ca), await createFanout(envOf('2'), tls?.ca)] as const
  const listen = `127.0.0.1:${await freePort()}`
  const haproxy = createHaproxy({
    listen,
    fanouts: [fanouts[0].address, fanouts[1].address],
    evaluator: sinks.address,
    ...(secured && { tls: secured.haproxy }),
  })
  const jaeger = createJaeger(freeHost())
  const url = `${tls === undefined ? 'http' : 'https'}://${listen}`
  const otelcol = createOtelcol(freeHost(), {
    files: tls === undefined ? [CONFIG] : [CONFIG, TLS],
    env: { FANOUT_URL: url, EVALUATOR_URL: url, JAEGER_URL: jaeger.url, ...secured?.otelcolEnv, ...otelcolEnv },
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

/** What each part is told to speak TLS, with its files in the folder. */
function secure({ ca, cert, key }: Issued, folder: string) {
  const file = (name: string, pem: string): string => {
    writeFileSync(join(folder, name), pem)
    return join(folder, name)
  }
  const files = { ca: file('ca.pem', ca), cert: file('cert.pem', cert), key: file('key.pem', key), both: file('both.pem', cert + key) }
  return {
    fanoutEnv: { COLLECTOR_TLS_CERT: files.cert, COLLECTOR_TLS_KEY: files.key },
    haproxy: { listen: `ssl crt ${files.both}`, sinks: `ssl verify required ca-file ${files.ca}` },
    otelcolEnv: { OTELCOL_TLS_CERT: files.cert, OTELCOL_TLS_KEY: files.key, OTELCOL_CLIENT_CA: '', FANOUT_CA: files.ca, JAEGER_CA: '' },
  }
}

async function createFanout(env: Readonly<Record<string, string>>, ca: string | undefined): Promise<Fanout> {
  const address = `127.0.0.1:${await freePort()}`
  const daemon = createDaemon({
    name: 'A fan-out',
    program: testedNode(),
    args: [FANOUT],
    env: { ...env, COLLECTOR_LISTEN: address },
    isReady: () => answersOk(`${ca === undefined ? 'http' : 'https'}://${address}/readyz`, ca),
  })
  return Object.assign(daemon, { address })
}
