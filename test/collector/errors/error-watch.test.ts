import { expect, test } from 'vitest'
import type { LogRecord } from '../../../collector/src/batch.ts'
import { createErrorWatch, REPORTS_PER_MINUTE } from '../../../collector/src/errors/error-watch.ts'
import { kindOf } from '../../../collector/src/errors/fingerprint.ts'
import { log, sender } from '../postgres/records.ts'

const resource = sender()
const error = (given: Partial<LogRecord> = {}) => log(resource, { severity: 17, body: 'Speech failed', ...given })
const thrown = (type: string, ...frames: readonly string[]) =>
  error({
    attributes: {
      'exception.type': type,
      'exception.stacktrace': [`${type}: no luck`, ...frames.map((frame) => `    at ${frame}`)].join('\n'),
    },
  })
const nobody = { isKnown: () => false, isReported: () => false }

test('every CRITICAL record is reported, and of ERROR records the first of each kind', () => {
  const watch = createErrorWatch(() => 0)
  const known = new Set<string>()
  const find = (...records: readonly LogRecord[]) => {
    const reports = watch.find(records, { ...nobody, isKnown: (kind) => known.has(kind) })
    for (const { kind } of reports) known.add(kind)
    return reports.map(({ cause }) => cause)
  }
  expect(find(log(resource), log(resource, { severity: 13 }))).toEqual([])
  expect(find(error(), error(), error({ body: 'Another' }))).toEqual(['new_error', 'new_error'])
  expect(find(error(), error({ severity: 21 }), error({ severity: 21 }))).toEqual(['critical', 'critical'])
})

test('a report has what leads to the request', () => {
  const record = error({
    traceId: 'a'.repeat(32),
    spanId: 'b'.repeat(16),
    attributes: { request_id: 'r-1', source: 'app.tts', 'exception.type': 'QuotaError' },
  })
  expect(createErrorWatch(() => 0).find([record], nobody)).toEqual([
    expect.objectContaining({
      uid: record.uid,
      traceId: record.traceId,
      spanId: record.spanId,
      requestId: 'r-1',
      logger: 'app.tts',
      errorType: 'QuotaError',
      message: 'Speech failed',
      service: 'tts-api',
    }),
  ])
})

test('a kind is the type and the first frame of the app, whatever the line', () => {
  const inner = 'request (/app/node_modules/undici/index.js:1:2)'
  const kind = kindOf(thrown('TypeError', inner, 'node:internal/process/task_queues:95:5', 'speak (file:///app/dist/speech.js:10:5)'))
  expect(kind).toContain('TypeError speak /app/dist/speech.js')
  expect(kindOf(thrown('TypeError', 'async speak (file:///app/dist/speech.js:99:1)', 'other (/app/x.js:1:1)'))).toBe(kind)
  expect(kindOf(thrown('RangeError', 'speak (file:///app/dist/speech.js:10:5)'))).not.toBe(kind)
  expect(kindOf(thrown('TypeError', 'hum (file:///app/dist/speech.js:10:5)'))).not.toBe(kind)
})

test('without a stack a kind is the message, without what varies in it', () => {
  const kind = kindOf(error({ body: 'user 17 has no voice "Kore" in 0199a6b2-aaaa-7000-8000-000000000000' }))
  expect(kindOf(error({ body: 'user 4711 has no voice "Puck" in 0199a6b2-bbbb-7000-8000-000000000000' }))).toBe(kind)
  expect(kindOf(error({ body: 'user 17 has no language' }))).not.toBe(kind)
})

test('a storm is cut, counted, and what was left out can still come later', () => {
  let nowMs = 0
  const watch = createErrorWatch(() => nowMs)
  const storm = Array.from({ length: 100 }, (_, i) => error({ severity: 21, body: `critical ${'x'.repeat(i + 1)}` }))
  expect(watch.find(storm, nobody)).toHaveLength(REPORTS_PER_MINUTE)
  expect(watch.suppressed()).toBe(70)
  expect(watch.find([error({ severity: 21 })], nobody)).toEqual([])
  nowMs += 30_000
  expect(
    watch.find(
      Array.from({ length: 100 }, () => error({ severity: 21 })),
      nobody,
    ),
  ).toHaveLength(REPORTS_PER_MINUTE / 2)
})

test('a storm of new errors leaves room for a CRITICAL record behind it', () => {
  const storm = Array.from({ length: 100 }, (_, i) => error({ body: `failed ${'x'.repeat(i + 1)}` }))
  const reports = createErrorWatch(() => 0).find([...storm, error({ severity: 21, body: 'Out of memory' })], nobody)
  expect(reports.map(({ message }) => message)).toContain('Out of memory')
})

test('records that are sent again, as their sender had no answer, take no room and count for nothing', () => {
  const watch = createErrorWatch(() => 0)
  const sent = Array.from({ length: REPORTS_PER_MINUTE - 1 }, (_, i) => error({ severity: 21, uid: `sent-${i}` }))
  const uids = new Set(watch.find([...sent, ...sent], nobody).map(({ uid }) => uid))
  expect(uids.size).toBe(REPORTS_PER_MINUTE - 1)
  const again = watch.find([...sent, error({ severity: 21, uid: 'new' })], { ...nobody, isReported: (uid) => uids.has(uid) })
  expect(again.map(({ uid }) => uid)).toEqual(['new'])
  expect(watch.suppressed()).toBe(0)
})

test('a stack of any length and shape costs no time', () => {
  const startMs = performance.now()
  const frames = Array.from({ length: 1_000 }, () => `at ${'a ('.repeat(5_000)}`)
  kindOf(error({ attributes: { 'exception.stacktrace': frames.join('\n') } }))
  expect(performance.now() - startMs).toBeLessThan(5_000)
})
