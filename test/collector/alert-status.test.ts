/** What people and programs are told of alerts when they ask, and what it costs. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { alertMetrics } from '../../collector/src/alert-metrics.ts'
import { createAlertDesk, problemsOf } from '../../collector/src/alert-status.ts'
import type { Alerting } from '../../collector/src/alerting.ts'
import { getHealth } from '../../collector/src/api/health.ts'
import { readRuleBook, SHIPPED } from '../../collector/src/rule-book.ts'
import { createSignals } from '../../collector/src/signals/signals.ts'
import { sender } from './postgres/records.ts'
import { gauge, MINUTE, metrics, START_MS } from './signals/telemetry.ts'
import { alertingIn } from './support/alerting.ts'

let folder: string
let alerting: Alerting
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tts-otel-alert-status-'))
  alerting = alertingIn({ folder })
})
afterEach(async () => {
  await alerting.stop()
  rmSync(folder, { recursive: true })
})

test('the rules of the collector itself are shown with what they read', async () => {
  await alerting.start()
  await expect.poll(() => alerting.desk.status().checkedAtMs, { timeout: 30_000 }).toBeDefined()
  const late = alerting.desk.status().rules.find(({ name }) => name === 'Evaluation Late')
  expect(late?.readings).toEqual([{ labels: {}, signal: 'evaluation_delay', value: expect.any(Number) }])
})

test('what many rules read is read once for an answer, and not at all for /metrics and /health', async () => {
  const rules = Array.from({ length: 50 }, (_, i) => `  - { name: r${i}, condition: error_rate > 0.${i + 10}, by: [route] }`)
  const { book } = readRuleBook({ file: 'alerts.yaml', text: `rules:\n${rules.join('\n')}\n` })
  const signals = createSignals({ sinceMs: 0 })
  const asked: string[] = []
  const desk = createAlertDesk({
    term: () => undefined,
    rank: () => 'standby',
    book: () => book,
    signals: { ...signals, read: (query, atMs) => (asked.push(query.signal) > 0 ? signals.read(query, atMs) : []) },
    now: () => START_MS,
    checkedAtMs: () => undefined,
  })
  alertMetrics({ desk, stats: alerting.stats })
  await getHealth({ readiness: async () => ({ ready: true }), store: 'postgres', alerts: desk, now: () => START_MS })
  expect(asked).toEqual([])
  expect(desk.status().rules.length).toBeGreaterThanOrEqual(50)
  expect(asked.filter((signal) => signal === 'error_rate')).toHaveLength(1)
})

test('the shipped rules and those of the collector itself go to every channel that is set up', async () => {
  const reached = alertingIn({ folder: join(folder, 'reached'), rules: SHIPPED.text, webhookUrl: 'http://127.0.0.1:9/' })
  const { rules, problems } = reached.desk.status()
  await reached.stop()
  expect(rules.map(({ name }) => name)).toEqual(expect.arrayContaining(['High Error Rate', 'Queue Too Long', 'No Telemetry']))
  for (const { channels } of rules) expect(channels).toEqual(['webhook'])
  expect(problems).toEqual([])
})

test('a rule whose channel is not set up is told of before it fires: in the log once, in the overview all the time', async () => {
  const said: string[] = []
  let timeMs = START_MS
  const lost = alertingIn({
    folder: join(folder, 'lost'),
    rules: 'rules:\n  - { name: Lost, condition: error_rate > 0.5, severity: critical, channels: [email, webhook] }',
    webhookUrl: 'http://127.0.0.1:9/',
    now: () => (timeMs += 2 * MINUTE),
    warn: (message) => said.push(message),
  })
  await lost.start()
  await expect.poll(() => lost.stats().checks, { timeout: 30_000 }).toBeGreaterThan(2)
  const { problems } = lost.desk.overview()
  await lost.stop()
  expect(problems).toEqual([expect.stringContaining('rules name channels that are not set up (email)')])
  expect(said.filter((message) => message.includes('not set up'))).toEqual(problems)
})

test('a problem whose number grows is the same matter', () => {
  const signals = createSignals({ sinceMs: 0, seriesMax: 1 })
  const term = { evaluator: { trouble: () => ({ overflow: 0, missing: [] }) }, vault: { behind: () => 0 } }
  const problems = [1, 2].map((minute) => {
    const timeMs = START_MS + minute * MINUTE
    signals.take(metrics(...['a', 'b'].map((instance) => gauge('tts.queue.length', sender(instance), 1, { timeMs }))), timeMs)
    return problemsOf(term, signals)
  })
  expect(problems.map(([problem]) => problem?.matter)).toEqual(['series', 'series'])
  expect(problems[0]?.[0]?.message).not.toBe(problems[1]?.[0]?.message)
})
