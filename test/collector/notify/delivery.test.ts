/** From the outbox to real receivers: a webhook, Slack and a mail server on loopback, each with its own fate. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseCollectorConfig } from '../../../collector/src/config.ts'
import type { Notification } from '../../../collector/src/notification.ts'
import { createChannels } from '../../../collector/src/notify/channels.ts'
import { createOutbox, type Outbox } from '../../../collector/src/notify/outbox.ts'
import { type Listener, startListener, status } from '../support/listener.ts'
import { type Mailbox, startMailbox } from '../support/mailbox.ts'
import { memoryDeliveries } from '../support/memory-deliveries.ts'
import { readLetter } from '../support/mime.ts'
import { notification, resolved } from '../support/notifications.ts'

let webhook: Listener
let slack: Listener
let mailbox: Mailbox
beforeEach(async () => {
  ;[webhook, slack, mailbox] = await Promise.all([startListener(), startListener(), startMailbox()])
})
const outboxes: Outbox[] = []
afterEach(async () => {
  await Promise.all(outboxes.splice(0).map((outbox) => outbox.stop()))
  await Promise.all([webhook.close(), slack.close(), mailbox.close()])
})

function open({ attemptTimeoutMs = 5_000 } = {}) {
  const { config, problems } = parseCollectorConfig({
    ALERT_WEBHOOK_URL: `${webhook.url}/hook/T0PSECRET`,
    SLACK_WEBHOOK_URL: `${slack.url}/services/T0PSECRET`,
    SMTP_URL: `smtp://127.0.0.1:${mailbox.port}?tls=off`,
    ALERT_EMAIL_FROM: 'alerts@tts.example',
    ALERT_EMAIL_TO: 'ann@example.org',
    ALERT_ALLOW_PRIVATE: '127.0.0.0/8',
  })
  expect(problems).toEqual([])
  const warnings: string[] = []
  const store = memoryDeliveries()
  const channels = createChannels(config.notify, { now: Date.now })
  const outbox = createOutbox({
    channels,
    store,
    now: Date.now,
    random: Math.random,
    warn: (text) => void warnings.push(text),
    attemptTimeoutMs,
  })
  outboxes.push(outbox)
  outbox.start()
  return { outbox, store, warnings }
}

const toAll = (changes: Partial<Notification> = {}) => ({ ...changes, channels: ['webhook', 'slack', 'email'] })
const webhookIds = () => webhook.received.map(({ headers }) => headers['webhook-id'])

test('firing and resolved arrive at all three, in order', async () => {
  const { outbox } = open()
  const [firing, end] = [notification(toAll()), resolved(toAll())]
  await outbox.accept([firing])
  await outbox.accept([end])
  await expect
    .poll(() => outbox.stats(), { timeout: 10_000 })
    .toMatchObject({ webhook: { delivered: 2 }, slack: { delivered: 2 }, email: { delivered: 2 } })
  expect(webhookIds()).toEqual([firing.id, end.id])
  expect(slack.received.map(({ body }) => JSON.parse(body).text.split(':')[0])).toEqual(['🚨 WARNING', '✅ RESOLVED'])
  expect(mailbox.mails.map(({ source }) => readLetter(source).headers['x-alert-status'])).toEqual([['firing'], ['resolved']])
})

test('a webhook that hangs delays neither Slack nor mail, and gets its alert when it answers again', async () => {
  webhook.answer = () => {}
  const { outbox } = open({ attemptTimeoutMs: 300 })
  const firing = notification(toAll())
  await outbox.accept([firing])
  await expect.poll(() => outbox.stats()).toMatchObject({ slack: { delivered: 1 }, email: { delivered: 1 }, webhook: { delivered: 0 } })
  await expect.poll(() => outbox.stats().webhook?.retries).toBeGreaterThan(0)
  webhook.answer = status(200)
  await expect.poll(() => outbox.stats().webhook?.delivered, { timeout: 10_000 }).toBe(1)
  expect(new Set(webhookIds())).toEqual(new Set([firing.id]))
  expect((await outbox.log(10)).filter(({ channel }) => channel === 'webhook')).toHaveLength(1)
})

test('a receiver that is gone is told of on the others, by mail too, and no secret is in a message, the log or the mail', async () => {
  slack.answer = status(404, {}, 'no_service')
  webhook.answer = status(302, { location: 'http://169.254.169.254/T0PSECRET' })
  const { outbox, warnings } = open()
  await outbox.accept([notification(toAll())])
  await expect.poll(() => mailbox.mails.length, { timeout: 10_000 }).toBe(3)
  const texts = mailbox.mails.map(({ source }) => readLetter(source).bodies['text/plain']!)
  expect(texts.filter((text) => text.startsWith('🚨 ERROR: Alert: Notification channel failing'))).toHaveLength(2)
  expect(texts.join()).toContain('Slack says no_service: the webhook was removed or turned off')
  const said = [...warnings, ...texts, JSON.stringify(await outbox.log(100))].join()
  expect(said).toContain('redirects are not followed')
  expect(said).not.toContain('T0PSECRET')
})

test('429 with Retry-After: the next alert of this channel waits as well', async () => {
  webhook.answer = status(429, { 'retry-after': '2' })
  const { outbox } = open()
  await outbox.accept([notification()])
  await expect.poll(() => webhook.received.length).toBe(1)
  webhook.answer = status(200)
  await outbox.accept([notification({ groupKey: 'other' })])
  await expect.poll(() => outbox.stats().webhook?.delivered, { timeout: 10_000 }).toBe(2)
  const [first, second] = webhook.received
  expect(second!.atMs - first!.atMs).toBeGreaterThan(1_900)
})
