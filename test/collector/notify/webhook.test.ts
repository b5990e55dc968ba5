import { execFileSync } from 'node:child_process'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Notification } from '../../../collector/src/notification.ts'
import { signatureHeaders } from '../../../collector/src/notify/signature.ts'
import { createWebhook, type WebhookOptions } from '../../../collector/src/notify/webhook.ts'
import { parseWebhookSecret, parseWebhookSecrets } from '../../../collector/src/webhook-secret.ts'
import { type Listener, startListener } from '../support/listener.ts'
import { alert, notification, resolved, START_MS } from '../support/notifications.ts'
import { outside, untold } from '../support/outside.ts'

let listener: Listener
beforeEach(async () => {
  listener = await startListener()
})
afterEach(() => listener.close())

const NOW_MS = START_MS + 31_500

async function send(item: Notification, options: Partial<WebhookOptions> = {}) {
  const webhook = createWebhook(
    { name: 'on-call', url: new URL(`${listener.url}/hook`), format: 'alertmanager', secrets: [], ...options },
    outside({ nowMs: NOW_MS }),
  )
  expect(await webhook(item, untold())).toEqual({ kind: 'ok' })
  const { headers, body } = listener.received.at(-1)!
  return { headers, body, json: JSON.parse(body) as Record<string, unknown> }
}

test('a firing alert has the body of Alertmanager’s webhook, version 4', async () => {
  const annotations = { summary: '8 % of requests fail', runbook: 'https://runbooks.example/errors' }
  const { json } = await send(notification({ id: 'n1', alerts: [alert({ annotations })] }))
  expect(json).toEqual({
    version: '4',
    groupKey: 'High Error Rate{route="/v1/speak"}',
    truncatedAlerts: 0,
    status: 'firing',
    receiver: 'on-call',
    groupLabels: { alertname: 'High Error Rate', route: '/v1/speak' },
    commonLabels: { alertname: 'High Error Rate', severity: 'warning', route: '/v1/speak' },
    commonAnnotations: annotations,
    externalURL: '',
    alerts: [
      {
        status: 'firing',
        labels: { alertname: 'High Error Rate', severity: 'warning', route: '/v1/speak' },
        annotations,
        startsAt: '2026-11-22T10:00:00.000Z',
        endsAt: '0001-01-01T00:00:00Z',
        generatorURL: '',
        fingerprint: '0f1e2d3c4b5a6978',
        value: 0.08,
      },
    ],
    notificationId: 'n1',
    reason: 'first',
    severity: 'warning',
    metrics: { error_rate: 0.08 },
  })
})

test('the end of it has status resolved and the time of the end', async () => {
  const { json } = await send(resolved())
  expect(json).toMatchObject({
    status: 'resolved',
    reason: 'resolved',
    alerts: [{ status: 'resolved', endsAt: '2026-11-22T10:05:00.000Z' }],
  })
})

test('of several alerts only what they share is common; beyond fifty they are counted', async () => {
  const alerts = Array.from({ length: 60 }, (_, i) =>
    alert({
      labels: { alertname: 'High Error Rate', route: '/v1/speak', instance: `i${i}` },
      annotations: { summary: `${i}`, team: 'speech' },
    }),
  )
  const { json } = await send(notification({ alerts }))
  expect(json).toMatchObject({
    commonLabels: { alertname: 'High Error Rate', route: '/v1/speak' },
    commonAnnotations: { team: 'speech' },
    truncatedAlerts: 10,
  })
  expect(json.alerts).toHaveLength(50)
})

test('a test says so, in the body and in the annotations', async () => {
  const { json } = await send(notification({ test: true }))
  expect(json).toMatchObject({ test: true, commonAnnotations: { test: 'true' }, alerts: [{ annotations: { test: 'true' } }] })
  expect((await send(notification({ test: true }), { format: 'plain' })).json.test).toBe(true)
})

test('format plain has rule, severity, message, metrics and a timestamp in seconds, and tells the end from the beginning', async () => {
  const { json } = await send(notification({ id: 'n1', metrics: { error_rate: 0.08, rtf_p95: null } }), { format: 'plain' })
  expect(json).toEqual({
    rule: 'High Error Rate',
    severity: 'warning',
    message: 'Alert: High Error Rate',
    metrics: { error_rate: 0.08, rtf_p95: null },
    timestamp: START_MS / 1_000 + 30,
    status: 'firing',
    reason: 'first',
    id: 'n1',
    group: 'High Error Rate{route="/v1/speak"}',
    labels: { alertname: 'High Error Rate', severity: 'warning', route: '/v1/speak' },
    annotations: { summary: '8 % of requests fail' },
  })
  expect((await send(resolved(), { format: 'plain' })).json).toMatchObject({ status: 'resolved', message: 'Alert: High Error Rate' })
})

test('webhook-id is the id of the notification, the same at each attempt, and a token is shown', async () => {
  const item = notification({ id: 'n/1:2' })
  for (let attempt = 0; attempt < 2; attempt++) {
    const { headers } = await send(item, { token: 'abc' })
    expect(headers).toMatchObject({ 'webhook-id': 'n/1:2', 'webhook-timestamp': '1795341631', authorization: 'Bearer abc' })
    expect(headers).not.toHaveProperty('webhook-signature')
  }
})

test('an id of any characters can be a header', async () => {
  const { headers } = await send(notification({ id: 'zu viel ☎\r\nx-evil: 1 \ud800' }))
  expect(headers['webhook-id']).toBe('zu%20viel%20%E2%98%8E%0D%0Ax-evil%3A%201%20%EF%BF%BD')
  expect(headers).not.toHaveProperty('x-evil')
})

const OLD = `whsec_${Buffer.alloc(24, 'o').toString('base64')}`
const NEW = `whsec_${Buffer.alloc(64, 'n').toString('base64')}`

/** The signature as the specification words it, by another program. */
function signWithOpenssl(secret: string, signed: string): string {
  const hexkey = Buffer.from(secret.slice('whsec_'.length), 'base64').toString('hex')
  const mac = execFileSync('openssl', ['dgst', '-sha256', '-mac', 'HMAC', '-macopt', `hexkey:${hexkey}`, '-binary'], { input: signed })
  return `v1,${mac.toString('base64')}`
}

test('the signature is that of Standard Webhooks over what arrives, once for each secret', async () => {
  const { headers, body } = await send(notification({ id: 'n1' }), { secrets: parseWebhookSecrets(`${NEW} ${OLD}`)! })
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
  expect(headers['webhook-signature']).toBe(`${signWithOpenssl(NEW, signed)} ${signWithOpenssl(OLD, signed)}`)
})

test('the example that Standard Webhooks libraries are tested with comes out the same', () => {
  const secret = parseWebhookSecret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')!
  const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', atMs: 1_614_265_330_000, body: '{"test": 2432232314}' }
  expect(signatureHeaders(message, [secret])).toEqual({
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  })
})

test.each([
  '',
  'whsec_',
  'secret',
  Buffer.alloc(32).toString('base64'),
  `whsec_${Buffer.alloc(23).toString('base64')}`,
  `whsec_${Buffer.alloc(65).toString('base64')}`,
  `${OLD}!`,
  `${NEW.slice(0, -3)}`,
])('%j is no secret', (text) => expect(parseWebhookSecret(text)).toBeUndefined())
