/** Alertmanager and PagerDuty, as far as a listener shows it; a real Alertmanager is in test/engines. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createAlertmanager } from '../../../collector/src/notify/alertmanager.ts'
import { PATIENCE_MS } from '../../../collector/src/notify/lane.ts'
import { createPagerDuty } from '../../../collector/src/notify/pagerduty.ts'
import { type Listener, startListener, status } from '../support/listener.ts'
import { alert, notification, resolved, START_MS } from '../support/notifications.ts'
import { outside, untold } from '../support/outside.ts'

let listener: Listener
beforeEach(async () => {
  listener = await startListener()
})
afterEach(() => listener.close())

const bodies = () => listener.received.map(({ body }) => JSON.parse(body))

test('Alertmanager gets alerts at /api/v2/alerts below its own path, with names that it takes', async () => {
  const send = createAlertmanager({ url: new URL(`${listener.url}/alertmanager/`), token: 'abc' }, outside())
  const labels = { alertname: 'High Error Rate', 'http.route': '/v1/speak', '9lives': 'x' }
  expect(await send(notification({ alerts: [alert({ labels })] }), untold())).toEqual({ kind: 'ok' })
  expect(listener.received[0]).toMatchObject({ path: '/alertmanager/api/v2/alerts', headers: { authorization: 'Bearer abc' } })
  expect(bodies()[0]).toEqual([
    {
      labels: { alertname: 'High Error Rate', http_route: '/v1/speak', _9lives: 'x' },
      annotations: { summary: '8 % of requests fail' },
      startsAt: '2026-11-22T10:00:00.000Z',
      endsAt: '2026-11-23T11:00:30.000Z',
    },
  ])
})

test('what is repeated once a day does not end at Alertmanager in between, though it is told at the next look and tried for long', async () => {
  const send = createAlertmanager({ url: new URL(listener.url) }, outside())
  await send(notification({ atMs: START_MS }), untold())
  const nextMs = START_MS + 24 * 60 * 60_000 + 30_000 + PATIENCE_MS
  expect(Date.parse(bodies()[0][0].endsAt)).toBeGreaterThan(nextMs)
})

test('the end of an alert is its end, never before its beginning', async () => {
  const send = createAlertmanager({ url: new URL(listener.url) }, outside())
  await send(resolved(), untold())
  await send(resolved({ alerts: [alert({ status: 'resolved', startsAtMs: START_MS, endsAtMs: START_MS - 5_000 })] }), untold())
  expect(bodies().map(([each]) => each.endsAt)).toEqual(['2026-11-22T10:05:00.000Z', '2026-11-22T10:00:00.000Z'])
})

test('a test is another alert for Alertmanager, which ends by itself', async () => {
  const send = createAlertmanager({ url: new URL(listener.url) }, outside())
  await send(notification({ test: true }), untold())
  expect(bodies()[0][0]).toMatchObject({ labels: { test: 'true' }, endsAt: '2026-11-22T10:05:30.000Z' })
})

const pagerDuty = () => createPagerDuty({ routingKey: 'R0UTING', url: new URL(`${listener.url}/v2/enqueue`) }, outside())

test('PagerDuty opens an incident for a group, and closes the same', async () => {
  listener.answer = status(202, {}, '{"status":"success"}')
  const annotations = { summary: '8 % of requests fail', runbook: 'https://runbooks.example/errors' }
  expect(await pagerDuty()(notification({ severity: 'critical', alerts: [alert({ annotations })] }), untold())).toEqual({ kind: 'ok' })
  await pagerDuty()(resolved(), untold())
  const [opened, closed] = bodies()
  expect(opened).toEqual({
    routing_key: 'R0UTING',
    event_action: 'trigger',
    dedup_key: 'High Error Rate{route="/v1/speak"}',
    client: 'tts-otel-collector',
    payload: {
      summary: '🚨 CRITICAL: Alert: High Error Rate: 8 % of requests fail',
      source: 'tts-otel-collector',
      severity: 'critical',
      timestamp: '2026-11-22T10:00:30.000Z',
      group: 'High Error Rate{route="/v1/speak"}',
      class: 'High Error Rate',
      custom_details: {
        description: '',
        reason: 'first',
        metrics: { error_rate: 0.08 },
        facts: { error_rate: '0.08', route: '/v1/speak', since: '2026-11-22T10:00:00.000Z' },
        instances: [],
        instancesLeft: 0,
      },
    },
    links: [{ href: 'https://runbooks.example/errors', text: 'runbook' }],
  })
  expect(closed).toEqual({ routing_key: 'R0UTING', event_action: 'resolve', dedup_key: opened.dedup_key })
})

test('PagerDuty’s limits are kept, and a test is no real incident', async () => {
  const long = 'x'.repeat(3_000)
  await pagerDuty()(notification({ groupKey: long, alerts: [alert({ annotations: { summary: long } })] }), untold())
  await pagerDuty()(notification({ test: true }), untold())
  const [cut, marked] = bodies()
  expect([...cut.payload.summary]).toHaveLength(1_024)
  expect(cut.dedup_key).toMatch(/^[0-9a-f]{64}$/)
  expect(marked.dedup_key).toBe('test: High Error Rate{route="/v1/speak"}')
})

test('an event that PagerDuty cannot read is not sent again, its routing key in no message', async () => {
  listener.answer = status(400, {}, '{"status":"invalid event","errors":["R0UTING"]}')
  expect(await pagerDuty()(notification(), untold())).toEqual({
    kind: 'drop',
    reason: 'refused',
    error: new Error(`${listener.url} answered 400`),
  })
})
