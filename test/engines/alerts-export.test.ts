/** Whether the rules that we export do in Prometheus and Alertmanager what they do here. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { parseRules } from '../../collector/src/alert/parse-rules.ts'
import { exportToPrometheus } from '../../collector/src/alert/prometheus/rules.ts'
import { SERIES } from '../../collector/src/alert/prometheus/series.ts'
import { createAlertState } from '../../collector/src/alert/state.ts'
import { step } from '../../collector/src/alert/step.ts'
import { createSignals } from '../../collector/src/signals/signals.ts'
import { rulesOf } from '../collector/alert/support.ts'
import { startListener } from '../collector/support/listener.ts'
import { createAlertmanagerServer } from './support/alertmanager.ts'
import { answersOk, createDaemon } from './support/daemon.ts'
import { freePort } from './support/postgres.ts'
import { type Told, toBatch, toInputSeries } from './support/told-twice.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tts-otel-export-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function write(name: string, content: unknown): string {
  const path = join(folder, name)
  writeFileSync(path, typeof content === 'string' ? content : stringify(content, { lineWidth: 0, aliasDuplicateObjects: false }))
  return path
}

/** What it says, whether it is content or not. */
async function promtool(...args: readonly string[]): Promise<{ readonly isContent: boolean; readonly said: string }> {
  return await promisify(execFile)('/usr/bin/promtool', args, { maxBuffer: 50_000_000 }).then(
    ({ stdout }) => ({ isContent: true, said: stdout }),
    ({ stdout, stderr }) => ({ isContent: false, said: `${stdout}${stderr}` }),
  )
}

test('promtool takes every rule that docs/alerting.md has and that can be exported', async () => {
  const document = readFileSync(new URL('../../docs/alerting.md', import.meta.url), 'utf8')
  const blocks = [...document.matchAll(/```yaml\n(.*?)```/gs)].map((match) => match[1]!).filter((text) => !text.includes('rule_files:'))
  const exported = blocks.map((text) => exportToPrometheus(parseRules(text).rules))
  const rules = exported.flatMap((one) => one.rules)
  expect(rules.length).toBeGreaterThan(20)
  expect(await promtool('check', 'rules', write('documented.yml', { groups: [{ name: 'all', rules }] }))).toMatchObject({ isContent: true })
  const reasons = exported.flatMap(({ refused }) => refused).map((line) => line.split(': ')[0])
  expect(reasons).toEqual(['Payments Declined', 'Nobody Calls', 'Traffic Gone', 'No Telemetry', 'Evaluation Late'])
})

const RULES = `rules:
  - { name: Errors, condition: error_rate > 0.053, for: 2m, by: [route] }
  - { name: All Errors, condition: "error_rate[10m] > 0.0313 && requests_per_second > 1.03" }
  - { name: Busy, condition: "requests_per_second[2m] < 11.3 || active_connections > 50.5" }
  - { name: Slow, condition: p95_duration > 2, by: [route], severity: error }
  - { name: Processing, condition: avg_processing_time > 3.1, by: [voice] }
  - { name: Keys, condition: auth_failures_per_minute > 10.3 }
  - { name: Queue, condition: queue_length > 100, for: 5m }
  - { name: Slower, condition: rtf_p95 > 1, by: [model] }
  - { name: Waits, condition: time_to_first_audio_p95 > 2 }
  - { name: Silent, condition: no_audio_rate > 0.103, by: [model] }
  - { name: Speech, condition: speech_error_rate > 0.207 }
  - { name: Gemini, condition: gemini_error_rate > 0.103, by: [model] }
  - { name: Cost, condition: cost_per_hour > 31.7 }
  - { name: Quota, condition: quota_exhausted > 3.3 }
  - { name: Lost, condition: "telemetry_lost[10m] > 5.3", by: [reason] }
  - { name: Down, condition: health < 1, by: [dependency], severity: critical }
`
const MINUTES = 90
/** Before it a window of ten minutes is not full. */
const FROM_MINUTE = 12

/** Trouble from minute 25 to 50. */
const grows = (usual: number, inTrouble: number) => (minute: number) =>
  usual * minute + (inTrouble - usual) * Math.min(Math.max(minute - 25, 0), 25)
const isTrouble = (minute: number) => minute > 25 && minute <= 50

/** A histogram that counts `usual` a minute in its first bucket, in trouble that many in the second. */
function histogram(
  metric: string,
  unit: string,
  attributes: Told['attributes'],
  bounds: readonly number[],
  usual: number,
  inTrouble: number,
): Told {
  return { metric, unit, attributes, kind: 'histogram', bounds, at: (minute) => [grows(usual, 0)(minute), grows(0, inTrouble)(minute), 0] }
}

function counter(metric: string, unit: string, attributes: Told['attributes'], usual: number, inTrouble: number): Told {
  return { metric, unit, attributes, kind: 'counter', at: grows(usual, inTrouble) }
}

function gauge(metric: string, unit: string, attributes: Told['attributes'], usual: number, inTrouble: number): Told {
  return { metric, unit, attributes, kind: 'gauge', at: (minute) => (isTrouble(minute) ? inTrouble : usual) }
}

const request = (route: string, status: string) => ({ 'http.route': route, 'http.response.status_code': status })
const speech = (model: string, voice: string, outcome: string) => ({ 'tts.model': model, 'tts.voice': voice, 'tts.outcome': outcome })

const TELEMETRY: readonly Told[] = [
  histogram('http.server.request.duration', 's', request('/v1/speak', '200'), [1, 5], 600, 550),
  histogram('http.server.request.duration', 's', request('/v1/speak', '500'), [1, 5], 6, 60),
  histogram('http.server.request.duration', 's', { ...request('/v1/speak', '200'), 'error.type': 'aborted' }, [1, 5], 1, 3),
  histogram('http.server.request.duration', 's', request('/v1/voices', '200'), [1, 5], 120, 0),
  histogram('tts.processing.duration', 's', speech('a', 'Kore', 'ok'), [2, 8], 60, 60),
  histogram('tts.processing.duration', 's', speech('a', 'Puck', 'ok'), [2, 8], 60, 0),
  counter('tts.auth.failures', '{request}', {}, 1, 30),
  gauge('tts.queue.length', '{job}', {}, 3, 250),
  gauge('tts.active_connections', '{connection}', {}, 10, 80),
  histogram('tts.rtf', '1', speech('a', 'Kore', 'ok'), [0.5, 2], 60, 60),
  histogram('tts.rtf', '1', speech('b', 'Kore', 'ok'), [0.5, 2], 60, 0),
  histogram('tts.time_to_first_audio', 's', speech('a', 'Kore', 'ok'), [1, 4], 60, 60),
  counter('tts.requests', '{request}', speech('a', 'Kore', 'ok'), 100, 60),
  counter('tts.requests', '{request}', speech('a', 'Kore', 'no_audio'), 1, 20),
  counter('tts.requests', '{request}', speech('a', 'Kore', 'error'), 1, 10),
  counter('tts.requests', '{request}', speech('b', 'Kore', 'cancelled'), 5, 5),
  histogram('gen_ai.client.operation.duration', 's', { 'gen_ai.request.model': 'a' }, [1, 5], 100, 90),
  histogram('gen_ai.client.operation.duration', 's', { 'gen_ai.request.model': 'a', 'error.type': 'RESOURCE_EXHAUSTED' }, [1, 5], 0, 15),
  histogram('gen_ai.client.operation.duration', 's', { 'gen_ai.request.model': 'b' }, [1, 5], 10, 10),
  counter('tts.cost', '{USD}', { 'tts.model': 'a' }, 0.1, 0.9),
  counter('tts_otel.created', '{item}', { signal: 'traces' }, 500, 500),
  counter('tts_otel.dropped', '{item}', { signal: 'traces', reason: 'spool_full' }, 0, 5),
  counter('tts_otel.console.dropped', '{line}', { reason: 'full' }, 0, 2),
  counter('tts_otel.log.file.dropped', '{line}', { reason: 'full' }, 0, 2),
  gauge('health.check.status', '1', { 'health.check.name': 'redis' }, 1, 0),
  gauge('health.check.status', '1', { 'health.check.name': 'postgres' }, 1, 1),
]

type Fired = { readonly minute: number; readonly rule: string; readonly labels: Readonly<Record<string, string>> }

/** What fires here, minute by minute, with the names of labels that Prometheus has. */
function playHere(): readonly Fired[] {
  const startMs = Date.UTC(2026, 10, 22)
  const rules = rulesOf(RULES)
  const signals = createSignals({ sinceMs: startMs })
  signals.watch({ windowMsMax: 600_000, logCounts: [] })
  let state = createAlertState(startMs)
  const fired: Fired[] = []
  for (let minute = 0; minute <= MINUTES; minute++) {
    const nowMs = startMs + minute * 60_000
    signals.take(toBatch(TELEMETRY, startMs, minute), nowMs)
    state = step({ state, rules, read: signals.read, nowMs }).state
    for (const rule of rules.rules)
      for (const { phase, labels, severity } of Object.values(state.rules[rule.name]?.instances ?? {})) {
        const there = SERIES[rule.signals[0]!.signal]!.labels
        const named = Object.fromEntries(Object.entries(labels).map(([name, value]) => [there[name], value]))
        if (phase === 'firing') fired.push({ minute, rule: rule.name, labels: { severity, ...named } })
      }
  }
  return fired
}

test('what is exported fires on the same telemetry, minute by minute', async () => {
  const { rules, refused } = exportToPrometheus(rulesOf(RULES))
  expect(refused).toEqual([])
  const fired = playHere()
  const names = rules.map(({ alert }) => alert)
  // Each has fired, and ended.
  expect(new Set(fired.map(({ rule }) => rule))).toEqual(new Set(names))
  expect(fired.filter(({ minute }) => minute === MINUTES)).toEqual([])

  const minutes = Array.from({ length: MINUTES - FROM_MINUTE + 1 }, (_, index) => index + FROM_MINUTE)
  const checks = minutes.flatMap((minute) =>
    names.map((alertname) => ({
      eval_time: `${minute}m`,
      alertname,
      exp_alerts: fired.filter((one) => one.minute === minute && one.rule === alertname).map(({ labels }) => ({ exp_labels: labels })),
    })),
  )
  write('exported.yml', { groups: [{ name: 'tts-otel', rules }] })
  const tests = write('exported.test.yml', {
    rule_files: ['exported.yml'],
    evaluation_interval: '1m',
    tests: [{ interval: '1m', input_series: toInputSeries(TELEMETRY, MINUTES), alert_rule_test: checks }],
  })
  const { isContent, said } = await promtool('test', 'rules', tests)
  expect(said.slice(0, 5_000)).toContain('SUCCESS')
  expect(isContent).toBe(true)
})

test('Prometheus and Alertmanager tell of the beginning and the end, and critical keeps its warning quiet', {
  timeout: 180_000,
}, async () => {
  const { rules, inhibitRules } = exportToPrometheus(
    rulesOf(`rules:
  - { name: High Error Rate, condition: "error_rate[5s] > 0.05", annotations: { summary: "{{ value | percent }} fail" } }
  - { name: Critical Error Rate, condition: "error_rate[5s] > 0.5", severity: critical }
`),
  )
  let share = 0
  const counted = { ok: 0, failed: 0 }
  const counting = setInterval(() => {
    counted.failed += 20 * share
    counted.ok += 20 * (1 - share)
  }, 100)
  const app = await startListener()
  app.answer = (response) => {
    const row = (status: number, count: number) =>
      `http_server_request_duration_seconds_count{http_response_status_code="${status}"} ${count}\n`
    response.writeHead(200, { 'content-type': 'text/plain' }).end(row(200, counted.ok) + row(500, counted.failed))
  }
  const receiver = await startListener()
  const alertmanager = await createAlertmanagerServer(`${receiver.url}/`, inhibitRules)
  const port = await freePort()
  const config = write('prometheus.yml', {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: [write('live.yml', { groups: [{ name: 'tts-otel', rules }] })],
    scrape_configs: [{ job_name: 'tts', static_configs: [{ targets: [`127.0.0.1:${app.port}`] }] }],
    alerting: { alertmanagers: [{ static_configs: [{ targets: [new URL(alertmanager.url).host] }] }] },
  })
  const prometheus = createDaemon({
    name: 'Prometheus',
    program: '/usr/bin/prometheus',
    args: [`--config.file=${config}`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=127.0.0.1:${port}`],
    isReady: () => answersOk(`http://127.0.0.1:${port}/-/ready`),
  })
  const told = () =>
    receiver.received
      .map(({ body }) => JSON.parse(body))
      .filter(({ groupLabels }) => groupLabels.alertname === 'High Error Rate')
      .map(({ status, commonAnnotations }) => `${status} ${commonAnnotations.summary}`)
  try {
    await alertmanager.start()
    await prometheus.start()
    share = 0.2
    await expect.poll(told, { timeout: 60_000 }).toEqual([expect.stringMatching(/^firing [\d.]+% fail$/)])
    share = 0.9
    const held = async (): Promise<readonly string[]> => {
      const alerts = JSON.parse(await (await fetch(`${alertmanager.url}/api/v2/alerts`)).text())
      return alerts.map(({ labels, status }: Held) => `${labels.alertname} ${status.state}`).sort()
    }
    await expect.poll(held, { timeout: 60_000 }).toEqual(['Critical Error Rate active', 'High Error Rate suppressed'])
    share = 0
    await expect.poll(held, { timeout: 60_000 }).toEqual([])
  } finally {
    clearInterval(counting)
    await prometheus.end('SIGKILL')
    await alertmanager.remove()
    await app.close()
    await receiver.close()
  }
})

type Held = { readonly labels: Readonly<Record<string, string>>; readonly status: { readonly state: string } }
