/** The examples of docs/alert-channels.md are what really arrives. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { toErrorNotification } from '../../../collector/src/error-report.ts'
import type { Notification } from '../../../collector/src/notification.ts'
import { createAlertmanager } from '../../../collector/src/notify/alertmanager.ts'
import { createEmail } from '../../../collector/src/notify/email.ts'
import { createErrorWebhook } from '../../../collector/src/notify/error-webhook.ts'
import { createPagerDuty } from '../../../collector/src/notify/pagerduty.ts'
import { parseChannels } from '../../../collector/src/notify/parse-channels.ts'
import type { Outside } from '../../../collector/src/notify/post.ts'
import { createSlack } from '../../../collector/src/notify/slack.ts'
import { createWebhook } from '../../../collector/src/notify/webhook.ts'
import { parseSmtpUrl } from '../../../collector/src/smtp-server.ts'
import { parseWebhookSecrets } from '../../../collector/src/webhook-secret.ts'
import type { Send } from '../../../src/wire/outcome.ts'
import { type Listener, startListener } from '../support/listener.ts'
import { startMailbox } from '../support/mailbox.ts'
import { readLetter } from '../support/mime.ts'
import { alert, notification, START_MS } from '../support/notifications.ts'
import { outside, untold } from '../support/outside.ts'

const document = readFileSync(fileURLToPath(new URL('../../../docs/alert-channels.md', import.meta.url)), 'utf8')
const fences = [...document.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language, text]) => ({ language, text: text! }))
const written = (language: string) => fences.flatMap((fence) => (fence.language === language ? [fence.text] : []))
const [examples, texts] = [written('json'), written('')]

let listener: Listener
beforeAll(async () => {
  listener = await startListener()
})
afterAll(() => listener.close())

const told = notification({
  id: 'high-error-rate-019a7f',
  alerts: [
    alert({
      annotations: {
        summary: '8 % of requests fail',
        description: 'Most of them at Gemini: 429.',
        runbook: 'https://runbooks.example/error-rate',
      },
    }),
  ],
})
const report = toErrorNotification({
  uid: '019a7f3c-5d2e-7b41-9c0a-3f6f1f0b7a11',
  cause: 'critical',
  kind: 'TypeError at synthesize',
  message: 'Synthesis failed: no voice',
  atMs: START_MS,
  service: 'tts-api',
  logger: 'app.tts',
  errorType: 'TypeError',
  traceId: '0af7651916cd43dd8448eb211c80319c',
  requestId: 'req_7d1f',
})
/** The key of the example is that of the tests of Standard Webhooks libraries. */
const secrets = parseWebhookSecrets('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')!

type Make = (url: URL, out: Outside) => Send<Notification>

test.each<[name: string, item: Notification, make: Make]>([
  ['webhook', told, (url, out) => createWebhook({ name: 'webhook', url, format: 'alertmanager', secrets }, out)],
  ['plain', told, (url, out) => createWebhook({ name: 'webhook', url, format: 'plain', secrets: [] }, out)],
  ['Slack', told, (url, out) => createSlack({ url }, out)],
  ['Alertmanager', told, (url, out) => createAlertmanager({ url }, out)],
  ['PagerDuty', told, (url, out) => createPagerDuty({ url, routingKey: '<routing key>' }, out)],
  ['errors', report, (url, out) => createErrorWebhook({ url }, out)],
])('the example of %s', async (name, item, make) => {
  const at = ['webhook', 'plain', 'Slack', 'Alertmanager', 'PagerDuty', 'errors'].indexOf(name)
  const send = make(new URL(listener.url), outside({ nowMs: START_MS + 30_400 }))
  expect(await send(item, untold())).toEqual({ kind: 'ok' })
  const { body, headers } = listener.received.at(-1)!
  expect(JSON.parse(examples[at]!)).toEqual(JSON.parse(body))
  if (name === 'webhook')
    expect(headers).toMatchObject(
      Object.fromEntries(
        texts[0]!
          .trim()
          .split('\n')
          .map((line) => line.split(': ')),
      ),
    )
})

test('the example of a mail', async () => {
  const mailbox = await startMailbox()
  const server = parseSmtpUrl(`smtp://127.0.0.1:${mailbox.port}?tls=off`)!
  await createEmail({ server, from: 'alerts@tts.example', to: ['oncall@tts.example'] }, outside())(told, untold())
  await mailbox.close()
  const { source } = mailbox.mails[0]!
  const [head, ...paragraphs] = texts[1]!.split('\n\n')
  for (const line of head!.split('\n')) expect(source.split('\r\n')).toContain(line)
  expect(readLetter(source).bodies['text/plain']!.replaceAll('\r\n', '\n')).toBe(paragraphs.join('\n\n'))
})

test('the channels of the example are channels', () => {
  const readFile = (path: string) => {
    if (path.endsWith('.pem')) return '-----BEGIN CERTIFICATE-----'
    if (path.endsWith('slack-second')) return 'https://hooks.slack.com/services/T/B/x'
    return path.endsWith('signature') ? `whsec_${secrets[0]!.toString('base64')}` : 'token'
  }
  const { channels, problems } = parseChannels(parseYaml(written('yaml')[0]!).channels, { readFile })
  expect(problems).toEqual([])
  expect(Object.keys(channels)).toEqual(['pager', 'cluster', 'team', 'second-slack', 'ticket'])
})
