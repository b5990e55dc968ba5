import { expect, onTestFinished, test } from 'vitest'
import { parseConfig } from '../../src/config.ts'
import { createSdk, type Sdk } from '../../src/sdk.ts'
import { type OtlpItem, type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts'
import { tempDir } from '../support/spool.ts'

type Started = { readonly sdk: Sdk; readonly warnings: string[] }

function start(url: string, dir: string, env: Readonly<Record<string, string>> = {}): Started {
  const warnings: string[] = []
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }
  const { config } = parseConfig({ ...endpoint, TTS_OTEL_SPOOL_DIR: dir, OTEL_METRIC_EXPORT_INTERVAL: '600000', ...env })
  const sdk = createSdk(config, { warn: (message) => void warnings.push(message) })
  onTestFinished(() => sdk.closeSpoolSync())
  return { sdk, warnings }
}

function makeTelemetry({ tracerProvider, loggerProvider, meterProvider }: Sdk): void {
  tracerProvider.getTracer('test').startSpan('job').end()
  loggerProvider.getLogger('test').emit({ body: 'job' })
  meterProvider.getMeter('test').createCounter('jobs').add(1)
}

async function receiver(): Promise<OtlpReceiver> {
  const started = await startOtlpReceiver()
  onTestFinished(() => started.close())
  return started
}

/** An address where nobody listens, and which the test may open later. */
async function awayUrl(): Promise<string> {
  const gone = await startOtlpReceiver()
  await gone.close()
  return gone.url
}

const own = ({ name }: OtlpItem) => !name?.startsWith('tts_otel.')

test('a graceful end without a collector leaves all three signals on disk, fast, and says nothing is lost', async () => {
  const url = await awayUrl()
  const dir = tempDir()
  const { sdk, warnings } = start(url, dir)
  makeTelemetry(sdk)
  const startMs = performance.now()
  expect(await sdk.shutdown(10_000)).toBe(false)
  expect(performance.now() - startMs).toBeLessThan(3_000)
  const { traces, logs, metrics } = sdk.stats()
  for (const health of [traces, logs, metrics]) {
    expect(health.waiting).toBe(health.created)
    expect(Object.values(health.dropped).every((items) => items === 0)).toBe(true)
  }
  expect(warnings.filter((warning) => warning.includes('lost'))).toEqual([])
})

test('after the last flush nothing more is sent: a name that is still looked up would hold the process open each time', async () => {
  const url = await awayUrl()
  const { sdk } = start(url, tempDir())
  makeTelemetry(sdk)
  expect(await sdk.finish(1_000)).toBe(false)

  const later = await startOtlpReceiver(Number(new URL(url).port))
  onTestFinished(() => later.close())
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  expect(later.spans).toEqual([])
  expect(sdk.stats().traces).toMatchObject({ waiting: 1 })
})

test('data for one tenant is not delivered to another; a new token changes nothing', async () => {
  const dir = tempDir()
  const away = await awayUrl()
  const first = start(away, dir, { OTEL_EXPORTER_OTLP_HEADERS: 'x-scope-orgid=a,authorization=Bearer%20old' })
  makeTelemetry(first.sdk)
  await first.sdk.shutdown(1_000)

  const other = start(away, dir, { OTEL_EXPORTER_OTLP_HEADERS: 'x-scope-orgid=b,authorization=Bearer%20old' })
  await other.sdk.forceFlush(300)
  expect(other.sdk.stats().traces).toMatchObject({ found: 0 })
  const same = start(away, dir, { OTEL_EXPORTER_OTLP_HEADERS: 'x-scope-orgid=a,authorization=Bearer%20new' })
  await same.sdk.forceFlush(300)
  expect(same.sdk.stats().traces).toMatchObject({ found: 1, waiting: 1 })
})

test('the last breath of one SDK is found by the next, with every signal and nothing twice', async () => {
  const collector = await receiver()
  const dir = tempDir()
  const first = start(collector.url, dir)
  makeTelemetry(first.sdk)
  expect(first.sdk.lastSendFailed()).toBe(false)
  const tail = first.sdk.drainSync()
  expect(tail.map(({ signal }) => signal).toSorted()).toEqual(['logs', 'traces'])
  first.sdk.closeSpoolSync()

  const second = start(collector.url, dir)
  expect(await second.sdk.forceFlush(3_000)).toBe(true)
  expect(collector.spans.map(({ name }) => name)).toEqual(['job'])
  expect(collector.logs).toHaveLength(1)
  expect(second.sdk.stats().traces).toMatchObject({ created: 0, found: 1, sent: 1, replayed: 1, waiting: 0 })
})

test('TTS_OTEL_SPOOL_MAX_MB=0 and a directory that cannot be used keep everything in memory, and the latter is said', async () => {
  const url = await awayUrl()
  for (const env of [{ TTS_OTEL_SPOOL_MAX_MB: '0' }, { TTS_OTEL_SPOOL_DIR: '/proc/tts-otel' }]) {
    const { sdk, warnings } = start(url, tempDir(), env)
    makeTelemetry(sdk)
    const startMs = performance.now()
    expect(await sdk.shutdown(10_000)).toBe(false)
    expect(performance.now() - startMs).toBeLessThan(3_000)
    expect(sdk.stats().traces).toMatchObject({ waiting: 0, dropped: { undelivered: 1 } })
    expect(warnings.at(-1)).toMatch(/^lost in this process: 1 of 1 spans \(undelivered 1\); .*1 of 1 log records/)
    expect(warnings.some((warning) => warning.includes('TTS_OTEL_SPOOL_DIR'))).toBe('TTS_OTEL_SPOOL_DIR' in env)
  }
})

test('the accounts are metrics too', async () => {
  const collector = await receiver()
  const { sdk } = start(collector.url, tempDir(), { OTEL_BSP_MAX_QUEUE_SIZE: '1' })
  makeTelemetry(sdk)
  makeTelemetry(sdk)
  await sdk.forceFlush(2_000)
  await sdk.forceFlush(2_000)
  const points = new Map<string, unknown>()
  for (const metric of JSON.parse(JSON.stringify(collector.metrics.filter((item) => !own(item)))))
    for (const { attributes, asInt, asDouble } of metric.sum.dataPoints) {
      const values = attributes.map((attribute: { value: { stringValue: string } }) => attribute.value.stringValue)
      points.set([metric.name, ...values].join(' '), asInt ?? asDouble)
    }
  expect(points.get('tts_otel.created traces')).toBe(2)
  expect(points.get('tts_otel.sent traces')).toBe(1)
  expect(points.get('tts_otel.dropped traces queue_full')).toBe(1)
  expect(points.get('tts_otel.sent logs')).toBe(2)
  expect(points.get('tts_otel.waiting logs')).toBe(0)
})
