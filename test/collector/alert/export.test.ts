import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { exportToPrometheus } from '../../../collector/src/alert/prometheus/rules.ts'
import { runAlerts } from '../../../collector/src/cli/alerts.ts'
import { rulesOf } from './support.ts'

const exported = (fields: string) => exportToPrometheus(rulesOf(`rules:\n  - { name: R, ${fields} }`))
const expressionOf = (condition: string, fields = '') => exported(`condition: '${condition}'${fields}`).rules[0]?.expr

test.each([
  ['queue_length > 100', '(max(tts_queue_length)) > 100'],
  ['100 < queue_length', '(max(tts_queue_length)) > 100'],
  ['!(queue_length <= 100)', '(max(tts_queue_length)) > 100'],
  ['requests_per_second[1m] < 1', '(sum(rate(http_server_request_duration_seconds_count[1m]))) < 1'],
  ['queue_length * 2 > 100', '((max(tts_queue_length)) * 2) > 100'],
  ['queue_length > 100 && active_connections > 5', '((max(tts_queue_length)) > 100) and ((sum(tts_active_connections)) > 5)'],
  ['!(queue_length > 100 && active_connections > 5)', '((max(tts_queue_length)) <= 100) or ((sum(tts_active_connections)) <= 5)'],
  ['p95_duration > 2', '(histogram_quantile(0.95, sum by (le) (rate(http_server_request_duration_seconds_bucket[5m])))) > 2'],
  ['quota_exhausted > 0', /^\(sum\(increase\(gen_ai_client_inference_duration_seconds_count\{error_type=~"429\|/],
  ['true', 'vector(1)'],
])('%s becomes %s', (condition, expected) => {
  if (expected instanceof RegExp) expect(expressionOf(condition)).toMatch(expected)
  else expect(expressionOf(condition)).toBe(expected)
})

test('labels have their names of there, in expressions and in texts', () => {
  const { rules, refused } = exported(
    `condition: 'p95_duration > threshold', threshold: 2, by: [route, service], for: 90s, keep_firing_for: 5m, labels: { team: a }, annotations: { summary: '{{ labels.route }} of {{ labels.team }}: {{ value | duration }} > {{ threshold }}, {{ severity }} {{ p95_duration }}' }`,
  )
  expect(refused).toEqual([])
  expect(rules).toEqual([
    {
      alert: 'R',
      expr: '(histogram_quantile(0.95, sum by (http_route, job, le) (rate(http_server_request_duration_seconds_bucket[5m])))) > 2',
      for: '1m30s',
      keep_firing_for: '5m',
      labels: { severity: 'warning', team: 'a' },
      annotations: {
        summary: '{{ $labels.http_route }} of a: {{ $value | humanizeDuration }} > {{ 2 | humanize }}, warning {{ $value | humanize }}',
      },
    },
  ])
})

test('a rule that gets worse is one for each severity, and the worse keeps the milder quiet', () => {
  const { rules, inhibitRules } = exported(
    `condition: 'queue_length > 100', for: 1m, by: [service], raise: [{ severity: critical, condition: 'queue_length > 500' }]`,
  )
  expect(rules.map((rule) => [rule.labels.severity, rule.for, rule.expr])).toEqual([
    ['warning', '1m', '(max by (job) (tts_queue_length)) > 100'],
    ['critical', '1m', '((max by (job) (tts_queue_length)) > 100) and ((max by (job) (tts_queue_length)) > 500)'],
  ])
  expect(inhibitRules).toEqual([
    {
      source_matchers: ['alertname="R"', 'severity="critical"'],
      target_matchers: ['alertname="R"', 'severity="warning"'],
      equal: ['job'],
    },
  ])
})

test.each([
  [`condition: 'telemetry_silence > 60'`, 'its condition reads telemetry_silence, which only this collector knows'],
  [`condition: 'queue_length > 5 ? error_rate > 0.1 : false'`, 'its condition has ? :, which rules of Prometheus do not have'],
  [`condition: 'error_rate > 0.1 && route == "/a"', by: [route]`, 'its condition compares the label route'],
  [`condition: 'error_rate > 0.1 && route.startsWith("/a")', by: [route]`, 'its condition has startsWith()'],
  [`condition: 'auth_failures_per_minute < 5'`, 'its condition needs auth_failures_per_minute to be 0, and there it is missing'],
  [`condition: 'quota_exhausted + 1 > 5'`, 'its condition needs quota_exhausted to be 0'],
  [
    `condition: 'gemini_error_rate > 0.1 && speech_error_rate > 0.1', by: [model]`,
    'its condition joins signals that do not have the label model under one name there',
  ],
  [
    `condition: 'error_rate > 0.1 && queue_length > 5', by: [route]`,
    'its condition joins signals that do not have the label route under one name there',
  ],
  [`condition: 'error_rate > 0.1', no_data: alert`, 'no_data: alert would need a second rule'],
  [
    `condition: 'error_rate > 0.1 && queue_length > 5', annotations: { summary: '{{ queue_length }}' }`,
    'an annotation shows queue_length: there an alert has one value, that of error_rate',
  ],
])('%s is refused: %s', (fields, reason) => {
  const { rules, refused } = exported(fields)
  expect(rules).toEqual([])
  expect(refused).toHaveLength(1)
  expect(refused[0]).toContain(`R: ${reason}`)
})

test('counts of log records are refused, and the rest is exported', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tts-otel-export-'))
  try {
    const file = join(folder, 'alerts.yaml')
    writeFileSync(
      file,
      'log_counts: { timeouts: { level: ERROR } }\nrules:\n  - { name: A, condition: timeouts > 5 }\n  - { name: B, condition: queue_length > 5, severity: critical }\n  - { name: C, condition: queue_length > 2 }\n',
    )
    const { code, stdout, stderr } = await runAlerts({ words: ['export', file] })
    expect([code, stderr]).toEqual([1, `${file}: not exported: A: its condition reads timeouts, which only this collector knows\n`])
    expect(stdout).toMatch(/^groups:\n {2}- name: tts-otel\n {4}rules:\n {6}- alert: B\n/)
    expect((await runAlerts({ words: ['export', file, '--inhibit-rules'] })).stdout).toContain('target_matchers:\n      - alertname="C"')
    expect((await runAlerts({ words: ['export'] })).stderr).toContain('which file?')
    writeFileSync(file, 'rules: [{ name: A }]')
    expect((await runAlerts({ words: ['export', file] })).stderr).toContain('condition is missing')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
