import { expect, test } from 'vitest'
import type { LogRecord } from '../../../collector/src/batch.ts'
import type { LogCount } from '../../../collector/src/signal.ts'
import { createSignals } from '../../../collector/src/signals/signals.ts'
import { log, logs, sender } from '../postgres/records.ts'
import { MINUTE, START_MS, value, values } from './telemetry.ts'

function counting(...logCounts: readonly LogCount[]) {
  const all = createSignals({ sinceMs: START_MS, logRecordsMax: 100 })
  all.watch({ windowMsMax: 10 * MINUTE, logCounts })
  return { ...all, give: (...records: readonly LogRecord[]) => all.take(logs(records), START_MS) }
}

const at = (minute: number, given: Partial<LogRecord> = {}) =>
  log(sender('one'), { timeUs: (START_MS + minute * MINUTE) * 1_000, ...given })

test('a record counts when it has all that is asked for', () => {
  const all = counting({ name: 'found', severityMin: 17, logger: 'app.*', event: 'speech.failed', text: 'Gemini' })
  const whole = { severity: 17, eventName: 'speech.failed', body: 'the GEMINI call failed' }
  all.give(at(1, whole))
  const less: Partial<LogRecord>[] = [
    { severity: 13 },
    { eventName: '' },
    { body: 'another' },
    { attributes: { source: 'application.tts' } },
  ]
  all.give(...less.map((change) => at(1, { ...whole, ...change })))
  expect(value(all, 'found', START_MS + 2 * MINUTE)).toBe(1)
})

test('each uid counts once, over the window of its own time', () => {
  const all = counting({ name: 'errors', severityMin: 17 })
  const records = [1, 2, 3, 4, 5, 6, 7].map((minute) => at(minute, { severity: 17 }))
  all.give(...records, ...records.toReversed())
  all.give(...records)
  expect(value(all, 'errors', START_MS + 7 * MINUTE)).toBe(5)
  expect(value(all, 'errors', START_MS + 12 * MINUTE)).toBeUndefined()
})

test('nothing found is 0 while there are logs, and no data when there are none', () => {
  const all = counting({ name: 'errors', severityMin: 17 })
  expect(value(all, 'errors', START_MS)).toBeUndefined()
  all.give(at(1))
  expect(value(all, 'errors', START_MS + MINUTE)).toBe(0)
})

test.each([
  ['level', { ERROR: 1, CRITICAL: 2 }],
  ['event', { 'speech.failed': 2, 'payment.failed': 1 }],
  ['error_type', { TypeError: 1, ECONNRESET: 1, '': 1 }],
])('is told apart by %s', (label, expected) => {
  const all = counting({ name: 'errors', severityMin: 17 })
  all.give(
    at(1, { severity: 17, eventName: 'speech.failed', attributes: { 'exception.type': 'TypeError' } }),
    at(1, { severity: 21, eventName: 'speech.failed', attributes: { 'error.type': 'ECONNRESET' } }),
    at(1, { severity: 21, eventName: 'payment.failed' }),
  )
  expect(values(all, 'errors', [label], START_MS + 2 * MINUTE)).toEqual(expected)
})

test('a group that had some falls to 0, so that its alert can end', () => {
  const all = counting({ name: 'errors', severityMin: 17 })
  all.give(at(1, { severity: 17, attributes: { source: 'app.tts' } }), at(1, { severity: 21, attributes: { source: 'app.db' } }), at(8))
  expect(values(all, 'errors', ['logger'], START_MS + 2 * MINUTE)).toEqual({ 'app.tts': 1, 'app.db': 1 })
  expect(values(all, 'errors', ['logger'], START_MS + 8 * MINUTE)).toEqual({ 'app.tts': 0, 'app.db': 0 })
  expect(values(all, 'errors', ['service', 'instance'], START_MS + 2 * MINUTE)).toEqual({ 'tts-api,one': 2 })
})

test('records above the limit are counted as such', () => {
  const all = counting({ name: 'errors', severityMin: 17 })
  all.give(...Array.from({ length: 130 }, () => at(1, { severity: 17 })))
  expect(value(all, 'errors', START_MS + 2 * MINUTE)).toBe(100)
  expect(all.stats()).toMatchObject({ logRecords: 100, logOverflow: 30 })
})

test('a count that stays in the rules keeps what it has counted', () => {
  const count = { name: 'errors', severityMin: 17 }
  const all = counting(count)
  all.give(at(1, { severity: 17 }))
  all.watch({ windowMsMax: 10 * MINUTE, logCounts: [{ ...count }, { name: 'others' }] })
  expect(value(all, 'errors', START_MS + 2 * MINUTE)).toBe(1)
})
