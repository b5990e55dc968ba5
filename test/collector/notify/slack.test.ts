import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Notification } from '../../../collector/src/notification.ts'
import { createSlack } from '../../../collector/src/notify/slack.ts'
import { type Listener, startListener, status } from '../support/listener.ts'
import { alert, notification, resolved } from '../support/notifications.ts'
import { outside, untold } from '../support/outside.ts'

let listener: Listener
beforeEach(async () => {
  listener = await startListener()
  listener.answer = status(200, {}, 'ok')
})
afterEach(() => listener.close())

type Text = { readonly type: string; readonly text: string }
type Message = {
  readonly text: string
  readonly attachments: readonly {
    readonly color: string
    readonly blocks: readonly { readonly type: string; readonly text?: Text; readonly fields?: readonly Text[] }[]
  }[]
}

const slack = () => createSlack({ url: new URL(`${listener.url}/services/T0/B0/S3CRET`) }, outside())

async function send(item: Notification): Promise<Message> {
  expect(await slack()(item, untold())).toEqual({ kind: 'ok' })
  return JSON.parse(listener.received.at(-1)!.body)
}

/** Every text of the blocks. */
function textsOf({ attachments }: Message): string[] {
  return attachments.flatMap(({ blocks }) =>
    blocks.flatMap(({ text, fields = [] }) => [...(text ? [text] : []), ...fields].map((each) => each.text)),
  )
}

test.each([
  ['warning', {}, '🚨 WARNING: Alert: High Error Rate'],
  ['critical', { severity: 'critical' }, '🚨 CRITICAL: Alert: High Error Rate'],
  ['repeat', { reason: 'repeat' }, '🚨 WARNING: Alert: High Error Rate (still firing)'],
  ['more instances', { reason: 'more_instances' }, '🚨 WARNING: Alert: High Error Rate (more instances)'],
  ['more severe', { reason: 'severity_raised' }, '🚨 WARNING: Alert: High Error Rate (more severe)'],
  ['test', { test: true }, '🚨 WARNING: Alert: High Error Rate (test)'],
] as const)('the text begins with the siren, the severity and the rule: %s', async (_, changes, text) => {
  expect((await send(notification(changes))).text).toBe(`${text}\n8 % of requests fail`)
})

test('the end of an alert is told apart from its beginning, in text and colour', async () => {
  const [begin, end] = [await send(notification({ severity: 'critical' })), await send(resolved({ severity: 'critical' }))]
  expect(end.text).toBe('✅ RESOLVED: Alert: High Error Rate\n8 % of requests fail')
  expect([begin, end].map(({ attachments }) => attachments[0]?.color)).toEqual(['#e01e5a', '#2eb67d'])
})

test('values, labels, times, trace ids and links are in the blocks', async () => {
  const annotations = {
    summary: 's',
    description: 'Look at the queue.',
    runbook: 'https://runbooks.example/errors?a=1&b=2|c',
    trace_id: '0af7651916cd43dd8448eb211c80319c',
    script: 'javascript:alert(1)',
  }
  const texts = textsOf(
    await send(resolved({ alerts: [alert({ annotations, status: 'resolved', endsAtMs: Date.UTC(2026, 10, 22, 10, 5) })] })),
  )
  expect(texts).toEqual([
    'Look at the queue.',
    '*error_rate*\n0.08',
    '*route*\n/v1/speak',
    '*since*\n2026-11-22T10:00:00.000Z',
    '*until*\n2026-11-22T10:05:00.000Z',
    '*trace_id*\n0af7651916cd43dd8448eb211c80319c',
    '*script*\njavascript:alert(1)',
    '<https://runbooks.example/errors?a=1&amp;b=2%7Cc|runbook>',
  ])
})

test('several alerts are listed, firing ones first, and beyond twenty counted', async () => {
  const alerts = Array.from({ length: 30 }, (_, i) =>
    alert({
      status: i === 0 ? 'resolved' : 'firing',
      labels: { alertname: 'High Error Rate', route: '/v1/speak', instance: `i${i}` },
      value: i === 1 ? null : 0.08,
    }),
  )
  const list = textsOf(await send(notification({ alerts })))
    .at(-1)!
    .split('\n')
  expect(list).toHaveLength(21)
  expect(list.slice(0, 2)).toEqual(['🚨 instance=i1: no data', '🚨 instance=i2: 0.08'])
  expect(list.at(-1)).toBe('and 10 more')
})

test('nothing in an alert can mention somebody or make a link', async () => {
  const evil = '<!channel> <@U123> <https://evil.example|click> & co'
  const message = await send(
    notification({
      rule: evil,
      groupLabels: { [evil]: evil },
      alerts: [alert({ annotations: { summary: evil, description: evil, [evil]: evil } })],
    }),
  )
  for (const text of [message.text, ...textsOf(message)]) expect(text).not.toMatch(/<[!@h]/)
  expect(message.text).toContain('&lt;!channel&gt; &lt;@U123&gt; &lt;https://evil.example|click&gt; &amp; co')
})

test('texts of any length stay within the limits of Slack, cut between characters', async () => {
  const long = '&🚨<'.repeat(5_000)
  const labels = Object.fromEntries(Array.from({ length: 80 }, (_, i) => [`label${i}`, long]))
  const annotations = {
    summary: long,
    description: long,
    ...Object.fromEntries(Array.from({ length: 90 }, (_, i) => [`note${i}`, i % 2 ? long : `https://x.example/${long}`])),
  }
  const message = await send(notification({ rule: long, groupLabels: labels, alerts: [alert({ annotations }), alert({ annotations })] }))
  expect(message.text.length).toBeLessThanOrEqual(1_000)
  const { blocks } = message.attachments[0]!
  expect(blocks.length).toBeLessThanOrEqual(50)
  for (const { text, fields = [] } of blocks) {
    expect(text?.text.length ?? 1).toBeLessThanOrEqual(3_000)
    expect(text?.text).not.toBe('')
    expect(fields.length).toBeLessThanOrEqual(10)
    for (const field of fields) expect(field.text.length).toBeLessThanOrEqual(2_000)
  }
  for (const text of [message.text, ...textsOf(message)]) {
    expect(text.isWellFormed()).toBe(true)
    expect(text).not.toMatch(/&(?!(amp|lt|gt);)/)
  }
})

test('no more than a message a second', async () => {
  const channel = slack()
  await Promise.all(Array.from({ length: 3 }, () => channel(notification(), untold())))
  const times = listener.received.map(({ atMs }) => atMs)
  expect(times[1]! - times[0]!).toBeGreaterThan(900)
  expect(times[2]! - times[0]!).toBeGreaterThan(1_900)
})

test('an attempt that ends while it waits for its turn is tried again', async () => {
  const channel = slack()
  await channel(notification(), untold())
  expect(await channel(notification(), AbortSignal.timeout(50))).toMatchObject({ kind: 'retry' })
  expect(listener.received).toHaveLength(1)
})

test('429 is tried again when Slack says so', async () => {
  listener.answer = status(429, { 'retry-after': '30' }, 'rate_limited')
  expect(await slack()(notification(), untold())).toEqual({
    kind: 'retry',
    afterMs: 30_000,
    error: new Error(`${listener.url} answered 429; Slack says rate_limited: it gets more than it takes`),
  })
})

test.each([
  [404, 'no_service', '; Slack says no_service: the webhook was removed or turned off: make a new one'],
  [404, 'channel_not_found', '; Slack says channel_not_found: its channel does not exist any more: make a webhook for another'],
  [403, 'an unknown word', '; set the right token or secret for this channel'],
  [400, 'toString', ''],
])('%i %s is explained, and what is not known is not shown', async (code, body, explained) => {
  listener.answer = status(code, {}, body)
  expect(await slack()(notification(), untold())).toEqual({
    kind: 'drop',
    reason: 'refused',
    error: new Error(`${listener.url} answered ${code}${explained}`),
  })
})
