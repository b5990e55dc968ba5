/** The configuration of the official collector that we ship, held to the official collector itself. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { validate } from './support/otelcol.ts'

const root = join(import.meta.dirname, '../..')
const read = (file: string) => parse(readFileSync(join(root, file), 'utf8'), { merge: true })
const TOKENS = { INGEST_TOKEN: 'one', FANOUT_TOKEN: 'two' }

test('it is valid, and does not start without its tokens', async () => {
  expect(await validate(TOKENS)).toBe('')
  expect(await validate({ INGEST_TOKEN: 'one' })).toContain('no bearer token provided')
  expect(await validate({ FANOUT_TOKEN: 'two' })).toContain('no bearer token provided')
})

test('the build has the parts that it uses and no other', () => {
  const config = read('otel-collector-config.yaml')
  const manifest = read('collector/otelcol/builder-config.yaml')
  const used = (section: string) => new Set(Object.keys(config[section]).map((name) => name.split('/')[0]!.replaceAll('_', '')))
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

test('every sink has a queue on disk and as many attempts as it takes', () => {
  const { exporters, service } = read('otel-collector-config.yaml')
  for (const sink of ['postgres', 'elasticsearch', 'alerts']) {
    const { endpoint, retry_on_failure: retry, sending_queue: queue } = exporters[`otlp_http/${sink}`]
    expect(endpoint).toMatch(new RegExp(`/${sink}$`))
    expect([retry.max_elapsed_time, queue.storage]).toEqual([0, 'file_storage/queue'])
  }
  expect(service.pipelines['logs/out'].exporters).toEqual(['otlp_http/postgres', 'otlp_http/elasticsearch', 'otlp_http/alerts'])
})
