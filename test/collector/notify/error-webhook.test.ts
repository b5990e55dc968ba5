import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ErrorReport, toErrorNotification } from '../../../collector/src/error-report.ts'
import { createErrorWebhook } from '../../../collector/src/notify/error-webhook.ts'
import { issueCertificate } from '../support/authority.ts'
import { type Listener, startListener } from '../support/listener.ts'
import { notification, START_MS } from '../support/notifications.ts'
import { outside, untold } from '../support/outside.ts'

let listener: Listener
beforeEach(async () => {
  listener = await startListener()
})
afterEach(() => listener.close())

const report: ErrorReport = {
  uid: '019a7f00-0000-7000-8000-000000000001',
  cause: 'critical',
  kind: 'TypeError at synthesize (app.js)',
  message: 'Synthesis failed: no voice',
  atMs: START_MS,
  service: 'tts-api',
  logger: 'app.tts',
  errorType: 'TypeError',
  traceId: '0af7651916cd43dd8448eb211c80319c',
  requestId: 'req-1',
}

test('a CRITICAL record arrives as JSON with its facts', async () => {
  const send = createErrorWebhook({ url: new URL(listener.url) }, outside())
  expect(await send(toErrorNotification(report), untold())).toEqual({ kind: 'ok' })
  const { headers, body } = listener.received[0]!
  expect(headers['webhook-id']).toBe(`error-${report.uid}`)
  expect(JSON.parse(body)).toEqual({
    level: 'CRITICAL',
    message: 'Synthesis failed: no voice',
    timestamp: START_MS / 1_000,
    id: `error-${report.uid}`,
    kind: expect.stringMatching(/^error:[0-9a-f]{16}$/),
    reason: 'Critical log record',
    service: 'tts-api',
    logger: 'app.tts',
    error_type: 'TypeError',
    trace_id: '0af7651916cd43dd8448eb211c80319c',
    request_id: 'req-1',
  })
})

test('what the record does not have is left out, and errors of a kind are one group', () => {
  const { logger: _, errorType: __, traceId: ___, requestId: ____, ...bare } = report
  const first = toErrorNotification({ ...bare, cause: 'new_error' })
  expect(first).toMatchObject({ rule: 'New kind of error', severity: 'error', channels: ['errors'] })
  expect(first.alerts[0]).toMatchObject({ labels: { service: 'tts-api' }, annotations: { summary: 'Synthesis failed: no voice' } })
  expect(Object.keys(first.alerts[0]!.annotations)).toEqual(['summary'])
  const second = toErrorNotification({ ...bare, uid: 'other', message: 'other text' })
  expect(second.groupKey).toBe(first.groupKey)
  expect(second.id).not.toBe(first.id)
  expect(toErrorNotification({ ...bare, kind: 'other' }).groupKey).not.toBe(first.groupKey)
})

test('that another channel is failing is told in the short form', async () => {
  const send = createErrorWebhook({ url: new URL(listener.url) }, outside())
  await send(notification(), untold())
  expect(JSON.parse(listener.received[0]!.body)).toMatchObject({ rule: 'High Error Rate', message: 'Alert: High Error Rate' })
})

test.each([
  ['hooks.slack.com', true],
  ['hooks.slack-gov.com', true],
  ['slack.com.example', false],
  ['notslack.com', false],
])('at %s it is a message of Slack: %s', async (host, isSlack) => {
  const tls = issueCertificate(host)
  const secure = await startListener({ tls })
  const resolve = async () => [{ address: '127.0.0.1', family: 4 }]
  const send = createErrorWebhook(
    { url: new URL(`https://${host}:${secure.port}/services/T0/B0/S3CRET`), ca: tls.ca },
    outside({ resolve }),
  )
  expect(await send(toErrorNotification(report), untold())).toEqual({ kind: 'ok' })
  const body = JSON.parse(secure.received[0]!.body)
  if (isSlack) expect(body.text).toBe('🚨 CRITICAL: Alert: Critical log record\nSynthesis failed: no voice')
  else expect(body.level).toBe('CRITICAL')
  await secure.close()
})
