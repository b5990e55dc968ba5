import { createServer } from 'node:http'
import { context, createContextKey, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { afterEach, expect, test } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { parseConfig } from '../../src/config.ts'
import { VERSION } from '../../src/resource.ts'
import { createSdk } from '../../src/sdk.ts'
import { NO_DISK, type Open, openSdk } from './open.ts'

let open: Open | undefined
afterEach(async () => {
  await open?.close()
  open = undefined
})

test('metrics are collected at a flush, cumulative, without secrets, and counted as points', async () => {
  open = await openSdk()
  const counter = open.sdk.meterProvider.getMeter('test').createCounter('jobs')
  for (const user of ['a', 'b']) {
    counter.add(1, { password: 'hunter2', user })
    await open.sdk.forceFlush()
  }
  const ours = open.receiver.metrics.filter(({ name }) => name?.startsWith('tts_otel.'))
  const points = open.receiver.metrics.filter(({ name }) => name === 'jobs').map((metric) => JSON.parse(JSON.stringify(metric)).sum)
  expect(points.map(({ dataPoints }) => dataPoints.length)).toEqual([1, 2])
  expect(points[1].aggregationTemporality).toBe(2)
  expect(JSON.stringify(points)).not.toContain('hunter2')
  expect(open.sdk.stats().metrics).toMatchObject({ created: 3 + ours.length, sent: 3 + ours.length, waiting: 0 })
})

test('metrics come by themselves every METRICS_COLLECTION_INTERVAL', async () => {
  open = await openSdk({ METRICS_COLLECTION_INTERVAL: '0.05' })
  open.sdk.meterProvider.getMeter('test').createCounter('jobs').add(1)
  const { metrics } = open.receiver
  await expect.poll(() => metrics.length, { timeout: 5_000 }).toBeGreaterThan(1)
})

test('after shutdown nothing is sent, and what comes is counted as undelivered', async () => {
  open = await openSdk()
  const { sdk, receiver } = open
  sdk.meterProvider.getMeter('test').createCounter('jobs').add(1)
  expect(await sdk.shutdown()).toBe(true)
  const points = receiver.metrics.length
  sdk.tracerProvider.getTracer('test').startSpan('late').end()
  expect(sdk.stats().traces).toMatchObject({ created: 1, sent: 0, dropped: { undelivered: 1 } })
  expect(receiver.metrics).toHaveLength(points)
  expect(sdk.stats().metrics.dropped.undelivered).toBe(0)
})

test('a flush that the collector does not answer ends in time and says so', async () => {
  const hanging = createServer(() => {})
  await new Promise<void>((listening) => hanging.listen(0, '127.0.0.1', listening))
  const address = hanging.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const { config } = parseConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`, ...NO_DISK })
  const sdk = createSdk(config, { warn: () => {} })
  sdk.tracerProvider.getTracer('test').startSpan('waiting').end()

  const startMs = performance.now()
  expect(await sdk.forceFlush(200)).toBe(false)
  expect(performance.now() - startMs).toBeLessThan(2_000)
  expect(sdk.stats().traces).toMatchObject({ created: 1, sent: 0, waiting: 1 })
  expect(await sdk.shutdown(200)).toBe(false)
  expect(sdk.stats().traces).toMatchObject({ waiting: 0, dropped: { undelivered: 1 } })
  hanging.closeAllConnections()
  hanging.close()
})

test('an app that shuts the meter provider down itself can still flush the rest', async () => {
  open = await openSdk()
  open.sdk.meterProvider.getMeter('test').createCounter('jobs').add(1)
  await Reflect.get(open.sdk.meterProvider, 'shutdown').call(open.sdk.meterProvider)
  open.sdk.tracerProvider.getTracer('test').startSpan('last').end()
  expect(await open.sdk.forceFlush()).toBe(true)
  expect(open.receiver.spans).toHaveLength(1)
  expect(open.receiver.metrics).toHaveLength(1)
})

test('an observable of the app that never answers costs its own points only, also at the end', async () => {
  open = await openSdk()
  const { sdk, receiver } = open
  const meter = sdk.meterProvider.getMeter('test')
  meter.createObservableGauge('hanging').addCallback(() => new Promise(() => {}))
  meter.createCounter('jobs').add(1)
  sdk.tracerProvider.getTracer('test').startSpan('last').end()
  sdk.loggerProvider.getLogger('test').emit({ body: 'last' })
  expect(await sdk.shutdown(600)).toBe(true)
  const names = receiver.metrics.map(({ name }) => name).filter((name) => !name?.startsWith('tts_otel.'))
  expect([receiver.spans.length, receiver.logs.length, names]).toEqual([1, 1, ['jobs']])
})

test('createSdk touches nothing global', async () => {
  const before = [trace.getTracerProvider(), propagation.fields().length]
  open = await openSdk()
  expect([trace.getTracerProvider(), propagation.fields().length]).toEqual(before)
  expect(context.active()).toBe(ROOT_CONTEXT)
  expect(Symbol.for('tts-otel.registered') in globalThis).toBe(false)
})

test('two SDKs in one process do not mix', async () => {
  open = await openSdk()
  const other = await openSdk()
  open.sdk.tracerProvider.getTracer('test').startSpan('first').end()
  other.sdk.tracerProvider.getTracer('test').startSpan('second').end()
  await Promise.all([open.sdk.forceFlush(), other.sdk.forceFlush()])
  expect([open.receiver.spans, other.receiver.spans].map((spans) => spans.map(({ name }) => name))).toEqual([['first'], ['second']])
  await other.close()
})

test('OTEL_SDK_DISABLED: spans do not record, contexts still travel', () => {
  const sdk = createSdk(parseConfig({ OTEL_SDK_DISABLED: 'true' }).config)
  expect(sdk.tracerProvider.getTracer('test').startSpan('none').isRecording()).toBe(false)
  expect(sdk.propagator.fields()).toContain('traceparent')
})

test('trace context and baggage go out and come in; secrets in baggage stay here', () => {
  const { propagator } = createSdk(
    parseConfig({ OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' }).config,
  )
  const baggage = propagation.createBaggage({ tenant: { value: 'acme' }, api_key: { value: 'hunter2' } })
  const spanContext = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 }
  const sender = propagation.setBaggage(trace.setSpanContext(ROOT_CONTEXT, spanContext), baggage)
  const carrier: Record<string, string> = {}
  propagator.inject(sender, carrier, { set: (headers, name, value) => (headers[name] = value) })

  expect(carrier.traceparent).toBe(`00-${spanContext.traceId}-${spanContext.spanId}-01`)
  expect(carrier.baggage).toContain('tenant=acme')
  expect(carrier.baggage).not.toContain('hunter2')
  const receiver = propagator.extract(ROOT_CONTEXT, carrier, { get: (headers, name) => headers[name], keys: Object.keys })
  expect(trace.getSpanContext(receiver)).toMatchObject({ ...spanContext, isRemote: true })
  expect(propagation.getBaggage(receiver)?.getEntry('tenant')?.value).toBe('acme')
  expect(propagation.getBaggage(sender)?.getEntry('api_key')?.value).toBe('hunter2')
})

test('a context that is entered stays for the rest of the asynchronous work, and only there', async () => {
  const { contextManager } = createSdk(parseConfig({ OTEL_SDK_DISABLED: 'true' }).config)
  const key = createContextKey('test')
  async function request(name: string): Promise<unknown> {
    contextManager.enterWith(ROOT_CONTEXT.setValue(key, name))
    await new Promise((resolve) => setImmediate(resolve))
    return contextManager.active().getValue(key)
  }
  const enter = (name: string) => contextManager.with(ROOT_CONTEXT, () => request(name))
  expect(await Promise.all([enter('a'), enter('b')])).toEqual(['a', 'b'])
  expect(contextManager.active()).toBe(ROOT_CONTEXT)
})

test('telemetry.distro.version is the version of the package', () => {
  expect(VERSION).toBe(packageJson.version)
})
