/** The configuration of the official collector that we ship, held to the official collector itself. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { RECEIVE_LIMITS } from '../../collector/src/receive/limits.ts'
import { CONFIG, validate } from './support/otelcol.ts'

const root = join(import.meta.dirname, '../..')
const read = (file: string) => parse(readFileSync(join(root, file), 'utf8'), { merge: true })
type Exporter = { readonly sending_queue?: { readonly batch: { readonly sizer: string; readonly max_size: number } } }
type Pipeline = { readonly processors?: readonly string[]; readonly exporters: readonly string[] }
const TOKENS = { INGEST_TOKEN: 'one', FANOUT_TOKEN: 'two' }

test('it is valid, and does not start without its tokens', async () => {
  expect(await validate([CONFIG], TOKENS)).toBe('')
  expect(await validate([CONFIG], { INGEST_TOKEN: 'one' })).toContain('no bearer token provided')
  expect(await validate([CONFIG], { FANOUT_TOKEN: 'two' })).toContain('no bearer token provided')
})

test('without Elasticsearch it is valid, and nothing waits for that', async () => {
  const OVERLAY = 'collector/otelcol/without-elasticsearch.yaml'
  expect(await validate([CONFIG, OVERLAY], TOKENS)).toBe('')
  const { pipelines } = read('otel-collector-config.yaml').service
  const over = { ...pipelines, 'logs/out': { ...pipelines['logs/out'], ...read(OVERLAY).service.pipelines['logs/out'] } }
  expect(Object.values<Pipeline>(over).flatMap(({ exporters }) => exporters)).not.toContain('otlp_http/elasticsearch')
  expect(over['logs/out'].exporters).toEqual(['otlp_http/postgres'])
})

test('the scaled form: agents, gateways, HAProxy between them, rules and their receivers are valid', async () => {
  const agent = { INGEST_TOKEN: 'one', GATEWAY_TOKEN: 'two', GATEWAY_URL: 'http://127.0.0.1:1' }
  expect(await validate(['deploy/scaled/agent.yaml'], agent)).toBe('')
  expect(await validate([CONFIG, 'deploy/scaled/gateway.yaml'], { ...TOKENS, PROMETHEUS_URL: 'http://127.0.0.1:1' })).toBe('')
  const check = (program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    execFileSync(program, args, { cwd: join(root, 'deploy/scaled'), encoding: 'utf8', stdio: 'pipe', env })
  check('/usr/sbin/haproxy', ['-c', '-f', 'haproxy.cfg'], {
    HAPROXY_LISTEN: '127.0.0.1',
    GATEWAY: 'gateway.invalid',
    FANOUT: 'fanout.invalid',
  })
  expect(check('/usr/bin/promtool', ['check', 'rules', 'rules.yml'])).toContain('SUCCESS')
  expect(check('/usr/bin/amtool', ['check-config', 'alertmanager.yml'])).toContain('SUCCESS')
})

test('the build has the parts that it uses, a gateway too, and no other', () => {
  const configs = [read('otel-collector-config.yaml'), read('deploy/scaled/gateway.yaml')]
  const manifest = read('collector/otelcol/builder-config.yaml')
  const used = (section: string) =>
    new Set(configs.flatMap((config) => Object.keys(config[section] ?? {})).map((name) => name.split('/')[0]!.replaceAll('_', '')))
  for (const [section, ending] of [
    ['receivers', 'receiver'],
    ['processors', 'processor'],
    ['connectors', 'connector'],
    ['exporters', 'exporter'],
    ['extensions', 'extension'],
  ] as const) {
    const built = manifest[section].map(({ gomod }: { gomod: string }) => gomod.split(' ')[0]!.split('/').at(-1)!.replace(ending, ''))
    expect([section, ...built.toSorted()]).toEqual([section, ...[...used(section)].toSorted()])
  }
})

test('what comes in fits into a batch, and a batch into the next one on its way: apps, agents, gateways, fan-outs', () => {
  const limitsOf = (file: string) => {
    const { receivers, exporters } = read(file)
    const { http, grpc } = receivers?.otlp.protocols ?? {}
    const batches = Object.values<Exporter>(exporters).flatMap(({ sending_queue: queue }) => queue?.batch ?? [])
    expect(batches.map(({ sizer }) => sizer)).toEqual(batches.map(() => 'bytes'))
    if (grpc) expect(grpc.max_recv_msg_size_mib * 2 ** 20).toBe(http.max_request_body_size)
    return { takes: http?.max_request_body_size, sends: batches.map((batch) => batch.max_size) }
  }
  const agent = limitsOf('deploy/scaled/agent.yaml')
  const official = limitsOf('otel-collector-config.yaml')
  const gateway = limitsOf('deploy/scaled/gateway.yaml')
  // A record can grow by its redaction, and a batch by the resource that each of its parts repeats.
  const room = 2 * 2 ** 20
  for (const [smaller, larger] of [
    [agent.takes, Math.min(...agent.sends)],
    [Math.max(...agent.sends), official.takes],
    [official.takes, Math.min(...official.sends, ...gateway.sends)],
    [Math.max(...official.sends), RECEIVE_LIMITS.bodyBytesMax],
  ])
    expect(larger - smaller).toBeGreaterThanOrEqual(room)
})

test('every sink has a queue on disk; a store is tried until it takes a batch, alerts for a quarter of an hour', () => {
  const { exporters } = read('otel-collector-config.yaml')
  for (const [sink, elapsed] of [
    ['postgres', 0],
    ['elasticsearch', 0],
    ['alerts', '15m'],
  ]) {
    const { endpoint, retry_on_failure: retry, sending_queue: queue } = exporters[`otlp_http/${sink}`]
    expect(endpoint).toMatch(new RegExp(`/${sink}$`))
    expect([retry.max_elapsed_time, queue.storage]).toEqual([elapsed, 'file_storage/queue'])
  }
})

test('only the stores can make senders wait', () => {
  const { pipelines: official } = read('otel-collector-config.yaml').service
  const { pipelines: gateway } = read('deploy/scaled/gateway.yaml').service
  for (const over of [{}, gateway]) {
    const pipelines = Object.entries<Pipeline>(official).map(([name, pipeline]) => ({ ...pipeline, ...over[name] }))
    const waited = pipelines.filter(({ processors = [] }) => !processors.includes('batch/aside')).flatMap(({ exporters }) => exporters)
    const sinks = waited.filter((name) => name.startsWith('otlp_http/'))
    expect([...new Set(sinks)].toSorted()).toEqual(['otlp_http/elasticsearch', 'otlp_http/postgres'])
  }
})
