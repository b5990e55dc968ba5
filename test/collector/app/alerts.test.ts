/** Alerts of the collector as a program: from what a service sends to what a webhook gets. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type AlertScene, openAlertScene } from '../support/alert-scene.ts'
import { sendRecord } from '../support/failing-service.ts'
import { type Program, runProgram } from './program.ts'

/** Each test boots an embedded database once or twice, which takes 4 s, and half a minute on a machine that is busy. */
vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 })
const PATIENT = { timeout: 60_000, interval: 100 }
const RULES = `rules:
  - name: Errors
    condition: error_rate[2s] > 0.2
    severity: critical
    channels: [webhook]
`

let scene: AlertScene
beforeEach(async () => {
  scene = await openAlertScene()
})
afterEach(() => scene.close())

async function start(env: Readonly<Record<string, string>> = {}): Promise<Program> {
  return await scene.start({ ERROR_WEBHOOK_URL: `${scene.listener.url}/errors`, ...env })
}

async function ask(url: string, init: RequestInit & { readonly json?: unknown } = {}) {
  const { json, ...rest } = init
  const body = json === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(json) }
  const response = await fetch(url, { ...body, ...rest })
  return { status: response.status, body: JSON.parse(await response.text()) }
}

/** What the webhook was told, as `<rule> <status>`. */
function told(): readonly string[] {
  return scene.listener.received
    .filter(({ path }) => path === '/alerts')
    .map(({ body }) => JSON.parse(body))
    .map(({ status, commonLabels }) => `${commonLabels.alertname} ${status}`)
}

test('an alert fires once and ends once, though the collector is killed in between; the API tells why and what became of it', async () => {
  writeFileSync(join(scene.folder, 'alerts.yaml'), RULES)
  const first = await start()
  const service = scene.serve(first.url)
  service.failing = 0.5
  await expect.poll(told, PATIENT).toEqual(['Errors firing'])
  const { body } = await ask(`${first.url}/api/alerts`)
  expect(body).toMatchObject({
    rank: 'leading',
    checked_at: expect.any(String),
    channels: { webhook: { delivered: 1, dead: 0 } },
    problems: [],
  })
  const health = await ask(`${first.url}/health`)
  expect(health.body).toMatchObject({ status: 'healthy', alerts: { rank: 'leading', checked_at: expect.any(String), problems: [] } })
  expect(body.rules[0]).toMatchObject({
    name: 'Errors',
    condition: 'error_rate[2s] > 0.2',
    state: 'firing',
    instances: [{ state: 'firing', severity: 'critical', labels: {}, values: { 'error_rate[2s]': expect.any(Number) } }],
    readings: [{ signal: 'error_rate[2s]', labels: {}, value: expect.any(Number) }],
  })
  expect(await first.end('SIGKILL')).toBe('SIGKILL')

  const second = await start()
  service.url = second.url
  const startedMs = Date.now()
  // From when it has seen the alert fire itself, it ends as always.
  const heldAtMs = async () => Date.parse((await ask(`${second.url}/api/alerts`)).body.rules[0].instances[0].held_at)
  await expect.poll(heldAtMs, PATIENT).toBeGreaterThan(startedMs)
  expect(told()).toEqual(['Errors firing'])
  service.failing = 0
  await expect.poll(told, PATIENT).toEqual(['Errors firing', 'Errors resolved'])

  const history = (await ask(`${second.url}/api/alerts/history`)).body.history
  expect(history.map(({ event, rule }: { event: string; rule: string }) => `${rule} ${event}`)).toEqual([
    'Errors resolved',
    'Errors firing',
  ])
  const deliveries = (await ask(`${second.url}/api/alerts/deliveries?limit=10`)).body.deliveries
  expect(deliveries).toMatchObject([
    { channel: 'webhook', outcome: 'delivered', status: 'resolved', attempts: 1 },
    { channel: 'webhook', outcome: 'delivered', status: 'firing', attempts: 1 },
  ])
  const metrics = await (await fetch(`${second.url}/metrics`)).text()
  expect(metrics).toMatch(/^tts_otel_collector_alert_leading 1$/m)
  expect(metrics).toMatch(/^tts_otel_collector_alert_deliveries_total\{channel="webhook",outcome="delivered"\} 1$/m)
  expect(await second.end('SIGTERM')).toBe(0)
})

test('rules change with their file; one that is wrong changes nothing and says why', async () => {
  const file = join(scene.folder, 'alerts.yaml')
  writeFileSync(file, RULES)
  const program = await start()
  const names = async () => (await ask(`${program.url}/api/alerts`)).body.rules.map(({ name }: { name: string }) => name)
  expect(await names()).toEqual(['Errors', 'Evaluation Late', 'No Telemetry'])
  writeFileSync(file, RULES.replace('error_rate', 'error_rat'))
  await expect
    .poll(program.output, PATIENT)
    .toMatch(/ALERT_RULES \(.*alerts\.yaml\) has changed and cannot be used: .*did you mean error_rate\?/)
  expect(await names()).toContain('Errors')
  writeFileSync(file, RULES.replace('name: Errors', 'name: Failures'))
  await expect.poll(names, PATIENT).toContain('Failures')
  expect(await program.end('SIGTERM')).toBe(0)
  expect(await runProgram({ COLLECTOR_DATA_DIR: scene.folder, ALERT_RULES: join(scene.folder, 'nowhere.yaml') })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('ALERT_RULES names'),
  })
})

test('a silence keeps an alert from being told of, and a test goes to the channels of a rule', async () => {
  writeFileSync(join(scene.folder, 'alerts.yaml'), RULES)
  const program = await start()
  const silences = `${program.url}/api/alerts/silences`
  const wish = { matchers: { alertname: 'Err*' }, author: 'ann', reason: 'maintenance', duration: '1h' }
  expect(await ask(silences, { json: { ...wish, duration: '99d' } })).toMatchObject({
    status: 400,
    body: { message: expect.stringContaining('duration') },
  })
  expect(await ask(silences, { json: { ...wish, matchers: {} } })).toMatchObject({ status: 400 })
  expect(await ask(silences, { json: wish, headers: { 'content-type': 'text/plain' } })).toMatchObject({ status: 400 })
  expect(await ask(silences, { json: wish })).toEqual({ status: 201, body: { id: expect.any(String) } })

  const service = scene.serve(program.url)
  service.failing = 1
  const state = async () => (await ask(`${program.url}/api/alerts`)).body
  await expect.poll(async () => (await state()).rules[0].state, PATIENT).toBe('firing')
  expect((await state()).silences).toMatchObject([{ author: 'ann', matchers: { alertname: 'Err*' }, ends_at: expect.any(String) }])

  const sent = await ask(`${program.url}/api/alerts/Errors/test`, { method: 'POST' })
  expect(sent).toEqual({ status: 202, body: { id: expect.stringMatching(/^test-/), channels: ['webhook'] } })
  await expect.poll(told, PATIENT).toEqual(['Errors firing'])
  expect(scene.listener.received.at(-1)?.body).toContain('Test of the rule')
  const fired = await runProgram({}, ['alerts', 'test-fire', 'Errors', '--url', program.url])
  expect(fired).toEqual({ code: 0, stdout: 'webhook: taken\n', stderr: '' })
  scene.listener.answer = (response) => void response.writeHead(400).end()
  const refused = await runProgram({}, ['alerts', 'test-fire', 'Errors', '--url', program.url])
  expect(refused).toMatchObject({ code: 1, stdout: expect.stringMatching(/^webhook: given up, .*400/) })
  const explained = await runProgram({}, ['alerts', 'explain', 'Errors', '--url', program.url])
  expect(explained).toMatchObject({ code: 0, stdout: expect.stringMatching(/firing[\s\S]*silence/i), stderr: '' })
  expect(await ask(`${program.url}/api/alerts/Nothing/test`, { method: 'POST' })).toMatchObject({ status: 404 })
  expect(await ask(`${program.url}/api/alerts/Evaluation%20Late/test`, { method: 'POST' })).toMatchObject({ status: 202 })
})

test('errors: every CRITICAL record and the first of each kind is posted at once, each once, also after a restart', async () => {
  writeFileSync(join(scene.folder, 'alerts.yaml'), RULES)
  const first = await start()
  const errors = () => scene.listener.received.filter(({ path }) => path === '/errors').map(({ body }) => JSON.parse(body))
  await sendRecord(first.url, 17, 'Speech failed for job 17', { 'exception.type': 'QuotaError' })
  await sendRecord(first.url, 17, 'Speech failed for job 18', { 'exception.type': 'QuotaError' })
  await sendRecord(first.url, 13, 'A warning')
  await expect.poll(() => errors().length, PATIENT).toBe(1)
  expect(JSON.stringify(errors()[0])).toContain('0af7651916cd43dd8448eb211c80319c')
  expect(await first.end('SIGKILL')).toBe('SIGKILL')
  const second = await start()
  await sendRecord(second.url, 17, 'Speech failed for job 19', { 'exception.type': 'QuotaError' })
  await sendRecord(second.url, 21, 'Disk full')
  await sendRecord(second.url, 21, 'Disk full')
  await expect.poll(() => errors().length, PATIENT).toBe(3)
  expect(await second.end('SIGTERM')).toBe(0)
  expect(errors()).toHaveLength(3)
})

test('without the role there are no alerts; without the other one nothing is stored', async () => {
  writeFileSync(join(scene.folder, 'alerts.yaml'), RULES)
  const store = await start({ COLLECTOR_ROLES: 'store' })
  expect(await sendRecord(`${store.url}/alerts`, 9, 'x')).toBe(404)
  expect(await ask(`${store.url}/api/alerts`)).toMatchObject({
    status: 404,
    body: { message: expect.stringContaining('COLLECTOR_ROLES is without alerts here') },
  })
  for (const [name, why] of [
    ['alerts', 'COLLECTOR_ROLES is without alerts here'],
    ['elasticsearch', 'ELASTICSEARCH_URL is not set here'],
  ]) {
    const { status, body } = await ask(`${store.url}/${name}/v1/logs`, { method: 'POST' })
    expect([status, body.message]).toEqual([404, expect.stringContaining(`There is nothing at POST /${name}/v1/logs: ${why}. Telemetry`)])
  }
  expect(await store.end('SIGTERM')).toBe(0)
  const alerts = await start({ COLLECTOR_ROLES: 'alerts' })
  expect(await sendRecord(`${alerts.url}/alerts`, 9, 'x')).toBe(200)
  expect(await sendRecord(alerts.url, 9, 'x')).toBe(200)
  expect(await sendRecord(`${alerts.url}/postgres`, 9, 'x')).toBe(404)
  expect((await ask(`${alerts.url}/api/logs`)).body.logs).toEqual([])
})
