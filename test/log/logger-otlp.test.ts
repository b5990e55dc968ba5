import { context, logs, ROOT_CONTEXT, SeverityNumber, TraceFlags, trace } from '@opentelemetry/api'
import { resourceFromAttributes } from '@opentelemetry/resources'
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'
import { afterEach, describe, expect, test } from 'vitest'
import { createBridge } from '../../src/bridge/emit.ts'
import { parseConfig } from '../../src/config.ts'
import { createContextManager } from '../../src/context-manager.ts'
import { isClean, markClean } from '../../src/log/clean.ts'
import { createLoggers } from '../../src/log/logger.ts'
import { createRedactor, type Redactor } from '../../src/log/redact.ts'
import { createLogs } from '../../src/logs.ts'
import { withRequest } from '../../src/request-context.ts'

const HASH_KEY = { TTS_OTEL_HASH_KEY: '0123456789abcdef0123456789abcdef' }

context.setGlobalContextManager(createContextManager())
afterEach(() => logs.disable())

/** The SDK gives getters of its class. */
function pick<T extends object>(record: T, names: readonly (keyof T)[]): Partial<T> {
  const picked: Partial<T> = {}
  for (const name of names) picked[name] = record[name]
  return picked
}

/** The SDK's own provider, registered, whose redactor counts what it is shown. */
function register(env: Readonly<Record<string, string>> = {}) {
  const config = parseConfig(env).config
  const records: ReadableLogRecord[] = []
  const seen: unknown[] = []
  const real = createRedactor(config.log)
  const redactor: Redactor = {
    ...real,
    text(text) {
      seen.push(text)
      return real.text(text)
    },
    attributes(attributes) {
      seen.push(attributes)
      return real.attributes(attributes)
    },
  }
  const pipeline = {
    push: (record: ReadableLogRecord) => void records.push(record),
    broken: (error: unknown) => void seen.push(error),
    forceFlush: async () => true,
    shutdown: async () => true,
  }
  logs.setGlobalLoggerProvider(createLogs({ config, resource: resourceFromAttributes({}), redactor, pipeline }))
  return { records, seen }
}

/** A logger whose records go to OpenTelemetry alone. */
function createLogger(env: Readonly<Record<string, string>> = {}, name = 'app.tts') {
  const route = { least: 0, sinks: [{ kind: 'otlp' as const, least: 0 }] }
  const routes = { find: () => route }
  return createLoggers({ routing: { current: () => routes, add: () => {} }, config: () => parseConfig(env).config.log }).getLogger(name)
}

describe('a record of getLogger', () => {
  test('is redacted once: the processor of the SDK takes it as it is', () => {
    const { records, seen } = register()
    createLogger().error('token=hunter2', { password: 'hunter2', n: 1, error: new Error('password=hunter2') })
    expect(JSON.stringify([records[0]?.body, records[0]?.attributes])).not.toContain('hunter2')
    expect(records[0]?.attributes).toMatchObject({ password: '[REDACTED]', n: 1, source: 'app.tts' })
    expect(seen).toEqual([])
  })

  test('says nothing of that in its attributes', () => {
    const { records } = register()
    createLogger().info('m')
    expect(Object.keys(records[0]?.attributes ?? {})).toEqual(['log.record.uid', 'source'])
  })

  test('has its request, before its fields', () => {
    const { records } = register()
    const id = withRequest({ requestId: 'r-1', userId: 'u-1' }, () => createLogger().info('m', { a: 1 }))
    expect(Object.entries(records[0]?.attributes ?? {})).toEqual(
      Object.entries({ 'log.record.uid': id, source: 'app.tts', request_id: 'r-1', user_id: 'u-1', a: 1 }),
    )
  })

  test('is the same by the short way and by the way of the SDK, which a limit asks for', () => {
    const spanContext = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: TraceFlags.SAMPLED }
    const made = ['', '100000'].map((OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT) => {
      const { records } = register({ OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT })
      const log = createLogger()
      const active = trace.setSpanContext(ROOT_CONTEXT, spanContext)
      context.with(active, () =>
        log.child({ job: 'j' }).error('failed', { list: [1, null, { a: 'b' }], at: new Date(0), n: 1.5, ok: true }),
      )
      log.debug('m')
      logs.disable()
      return records.map((record) => ({
        ...pick(record, ['spanContext', 'severityText', 'severityNumber', 'body', 'instrumentationScope', 'droppedAttributesCount']),
        resource: record.resource.attributes,
        seconds: record.hrTime[0] > 1_700_000_000 && Number.isInteger(record.hrTime[1]),
        attributes: { ...record.attributes, 'log.record.uid': typeof record.attributes['log.record.uid'] },
      }))
    })
    expect(made[0]).toEqual(made[1])
    expect(made[0]).toMatchObject([
      { spanContext, body: 'failed', attributes: { job: 'j' } },
      { spanContext: undefined, body: 'm' },
    ])
  })

  test('at the limit of attributes keeps its id, and tells how many fields it lost', () => {
    const { records } = register({ OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT: '3' })
    const ids = [{ a: 1 }, { a: 1, b: 2, c: 3 }].map((fields) => createLogger().info('m', fields))
    expect(records.map(({ attributes, droppedAttributesCount }) => [attributes, droppedAttributesCount])).toEqual([
      [{ 'log.record.uid': ids[0], source: 'app.tts', a: 1 }, 0],
      [{ 'log.record.uid': ids[1], source: 'app.tts', a: 1 }, 2],
    ])
  })

  test('of all loggers of one name belongs to one scope, so that they travel together', () => {
    const { records } = register()
    for (const log of [createLogger(), createLogger(), createLogger().child({ a: 1 })]) log.info('m')
    expect(new Set(records.map(({ instrumentationScope }) => instrumentationScope)).size).toBe(1)
  })

  test('of a logger without the hash key is looked at again by a provider that has it', () => {
    const { records, seen } = register(HASH_KEY)
    withRequest({ requestId: 'r-1', userId: 'ann' }, () => createLogger().info('m'))
    expect(seen.length).toBeGreaterThan(0)
    expect(records[0]?.attributes.user_id).toMatch(/^h:[0-9a-f]{16}$/)
  })

  test('of a logger with the hash key has one hash, wherever it was made', () => {
    const plain = register(HASH_KEY)
    withRequest({ requestId: 'r-1', userId: 'ann' }, () => createLogger().info('m'))
    logs.disable()
    const hashed = register(HASH_KEY)
    withRequest({ requestId: 'r-1', userId: 'ann' }, () => createLogger(HASH_KEY).info('m'))
    expect(hashed.seen).toEqual([])
    expect(hashed.records[0]?.attributes.user_id).toBe(plain.records[0]?.attributes.user_id)
  })
})

test.each([
  ['own loggers', (name: string) => void createLogger({}, name).info('m')],
  ['a bridge', bridged()],
])('names made up by the app share a scope after a thousand, and are told by their source: %s', (_, write) => {
  const { records } = register()
  for (let i = 0; i < 1_200; i++) write(`name ${i}`)
  write('name 1')
  const scopes = records.map(({ instrumentationScope }) => instrumentationScope.name)
  expect(new Set(scopes).size).toBe(1_001)
  expect(scopes.slice(1_000, 1_200)).toEqual(Array.from({ length: 200 }, () => 'tts-otel'))
  expect(scopes.at(-1)).toBe('name 1')
  expect(new Set(records.map(({ attributes }) => attributes.source)).size).toBe(1_200)
})

function bridged(): (name: string) => void {
  const bridge = createBridge()
  return (source) => bridge({ source, severityNumber: SeverityNumber.INFO, severityText: 'INFO', message: 'm', fields: {} })
}

test('a record that another logger emits is redacted, also inside of nothing but its own context', () => {
  const { records, seen } = register()
  logs.getLogger('other').emit({ body: 'password=hunter2', context: ROOT_CONTEXT })
  expect(records[0]?.body).toBe('password=[REDACTED]')
  expect(seen.length).toBeGreaterThan(0)
})

test('the mark is not handed on to contexts that are made of a marked one', () => {
  const key = Symbol('key')
  const marked = markClean(context.active().setValue(key, 1), 'redacted')
  expect(isClean(marked, 'redacted')).toBe(true)
  expect(isClean(marked, 'hashed')).toBe(false)
  expect(marked.getValue(key)).toBe(1)
  expect(isClean(marked.setValue(key, 2), 'redacted')).toBe(false)
  expect(isClean(marked.deleteValue(key), 'redacted')).toBe(false)
})
