import { afterEach, expect, test } from 'vitest'
import type { DeliveryStore } from '../../../collector/src/delivery.ts'
import type { Notification } from '../../../collector/src/notification.ts'
import { createOutbox, type Outbox } from '../../../collector/src/notify/outbox.ts'
import { down, ok, type TestChannel, testChannel } from '../support/channel.ts'
import { type Clock, createClock } from '../support/clock.ts'
import { memoryDeliveries } from '../support/memory-deliveries.ts'
import { notification, resolved, START_MS } from '../support/notifications.ts'

const MINUTE_MS = 60_000

const outboxes: Outbox[] = []
afterEach(async () => {
  await Promise.all(outboxes.splice(0).map((outbox) => outbox.stop()))
})

type Setup = {
  readonly channels: Readonly<Record<string, TestChannel>>
  readonly store?: DeliveryStore
  readonly clock?: Clock
  readonly attemptTimeoutMs?: number
}

function open({ channels, store = memoryDeliveries(), clock = createClock(START_MS), attemptTimeoutMs = 1_000 }: Setup) {
  const warnings: string[] = []
  const outbox = createOutbox({
    channels: Object.fromEntries(Object.entries(channels).map(([name, { send }]) => [name, send])),
    store,
    now: clock.now,
    random: () => 0.5,
    sleep: clock.sleep,
    warn: (message) => void warnings.push(message),
    attemptTimeoutMs,
  })
  outboxes.push(outbox)
  return { outbox, store, clock, warnings }
}

const ids = (notifications: readonly Notification[]) => notifications.map(({ id }) => id)
const summaries = (notifications: readonly Notification[]) => notifications.map(({ alerts }) => alerts[0]?.annotations.summary)

test('a channel that is down for ten minutes gets its alert when it is back, once', async () => {
  const webhook = testChannel(() => down)
  const { outbox, clock, warnings } = open({ channels: { webhook } })
  outbox.start()
  const alert = notification()
  await outbox.accept([alert])
  await clock.advance(10 * MINUTE_MS)
  expect(webhook.arrived).toEqual([])

  webhook.answer = () => ok
  await clock.advance(MINUTE_MS)
  expect(webhook.arrived).toEqual([alert])
  await clock.advance(60 * MINUTE_MS)
  expect(webhook.arrived).toEqual([alert])
  expect(new Set(webhook.attempts)).toEqual(new Set([alert.id]))
  expect(webhook.attempts.length).toBeGreaterThan(10)
  expect(webhook.attempts.length).toBeLessThan(30)
  expect(await outbox.log(10)).toMatchObject([{ id: `${alert.id}/webhook`, kind: 'delivered', attempts: webhook.attempts.length }])
  expect(warnings.length).toBeLessThanOrEqual(11)
  expect(warnings[0]).toBe('the channel webhook did not take the alert "High Error Rate" and is tried again: connect ECONNREFUSED')
})

test('each channel that is named gets it; one that hangs delays no other', async () => {
  const hanging = testChannel(() => new Promise(() => {}))
  const [slack, email] = [testChannel(), testChannel()]
  const { outbox, clock } = open({ channels: { hanging, slack, email } })
  outbox.start()
  const alerts = Array.from({ length: 20 }, (_, i) => notification({ channels: ['hanging', 'slack', 'slack'], groupKey: `group ${i}` }))
  await outbox.accept(alerts)
  await clock.advance(0)
  expect(ids(slack.arrived)).toEqual(ids(alerts))
  expect(email.arrived).toEqual([])
  expect(outbox.stats()).toMatchObject({ hanging: { waiting: 20, delivered: 0 }, slack: { waiting: 0, delivered: 20 } })
})

test('no more than four attempts of a channel are under way at once', async () => {
  const waiting: (() => void)[] = []
  const slack = testChannel(() => new Promise((resolve) => waiting.push(() => resolve(ok))))
  const { outbox, clock } = open({ channels: { slack } })
  outbox.start()
  await outbox.accept(Array.from({ length: 9 }, (_, i) => notification({ channels: ['slack'], groupKey: `group ${i}` })))
  for (const underWay of [4, 4, 1]) {
    await clock.advance(0)
    expect(waiting.length).toBe(underWay)
    for (const answer of waiting.splice(0)) answer()
  }
  await clock.advance(0)
  expect(slack.arrived.length).toBe(9)
})

test('an attempt without an answer ends, and the next has the same id', async () => {
  const webhook = testChannel((_, signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))))
  const { outbox, clock } = open({ channels: { webhook }, attemptTimeoutMs: 20 })
  outbox.start()
  const alert = notification()
  await outbox.accept([alert])
  await expect.poll(() => outbox.stats().webhook?.retries).toBe(1)
  webhook.answer = () => ok
  await clock.advance(MINUTE_MS)
  expect(webhook.attempts).toEqual([alert.id, alert.id])
})

test('a resolved alert does not overtake its firing one, and both arrive when the channel is back', async () => {
  const webhook = testChannel(() => down)
  const { outbox, clock } = open({ channels: { webhook } })
  outbox.start()
  const [firing, end] = [notification(), resolved()]
  const other = notification({ groupKey: 'another group' })
  await outbox.accept([firing])
  await clock.advance(5 * MINUTE_MS)
  webhook.answer = (alert) => (alert.groupKey === other.groupKey ? ok : down)
  await outbox.accept([end, other])
  await clock.advance(MINUTE_MS)
  expect(ids(webhook.arrived)).toEqual([other.id])

  webhook.answer = () => ok
  await clock.advance(MINUTE_MS)
  expect(ids(webhook.arrived)).toEqual([other.id, firing.id, end.id])
})

test('what follows an alert that was given up is still delivered', async () => {
  const webhook = testChannel(({ status }) => (status === 'firing' ? down : ok))
  const { outbox, clock } = open({ channels: { webhook } })
  outbox.start()
  const [firing, end] = [notification(), resolved()]
  await outbox.accept([firing, end])
  await clock.advance(14 * MINUTE_MS)
  expect(webhook.arrived).toEqual([])
  await clock.advance(2 * MINUTE_MS)
  expect(webhook.arrived).toEqual([end])
  expect((await outbox.log(10)).map(({ kind }) => kind)).toEqual(['delivered', 'dead'])
})

test('after fifteen minutes the other channels learn what was lost: once, and once more for something critical', async () => {
  const [slack, email, webhook] = [testChannel(() => down), testChannel(), testChannel()]
  const { outbox, clock, warnings } = open({ channels: { slack, email, webhook } })
  outbox.start()
  const warning = (id: string) => notification({ id, channels: ['slack'], groupKey: id })
  await outbox.accept([warning('one'), warning('two')])
  await clock.advance(14 * MINUTE_MS)
  expect(email.arrived).toEqual([])
  await clock.advance(MINUTE_MS)
  await outbox.accept([warning('three')])
  await clock.advance(20 * MINUTE_MS)
  expect(slack.arrived).toEqual([])
  for (const { arrived } of [email, webhook]) {
    expect(summaries(arrived)).toEqual(['The channel "slack" could not be reached: "High Error Rate" (warning, firing) was not delivered.'])
    expect(arrived[0]).toMatchObject({ rule: 'Notification channel failing', status: 'firing', severity: 'error', reason: 'first' })
  }
  expect(warnings.some((message) => message.startsWith('the alert "High Error Rate" (warning, firing) was not delivered to slack'))).toBe(
    true,
  )

  const critical = (id: string) =>
    notification({ id, channels: ['slack'], groupKey: id, rule: 'Critical Error Rate', severity: 'critical' })
  await outbox.accept([critical('four'), critical('five')])
  await clock.advance(20 * MINUTE_MS)
  expect(email.arrived.length).toBe(2)
  expect(email.arrived[1]).toMatchObject({ severity: 'critical', reason: 'severity_raised' })
  expect(outbox.stats()).toMatchObject({ slack: { dead: 5, failing: true }, email: { failing: false } })

  slack.answer = () => ok
  await outbox.accept([warning('six')])
  await clock.advance(MINUTE_MS)
  expect(ids(slack.arrived)).toEqual(['six'])
  expect(summaries(email.arrived)[2]).toBe('The channel "slack" delivers again.')
  expect(email.arrived[2]).toMatchObject({ status: 'resolved', reason: 'resolved', alerts: [{ endsAtMs: clock.now() - MINUTE_MS }] })
  expect(new Set(email.arrived.map(({ groupKey }) => groupKey)).size).toBe(1)
  expect(outbox.stats().slack?.failing).toBe(false)
})

test('when all channels are down nothing is told in a circle', async () => {
  const [slack, email] = [testChannel(() => down), testChannel(() => down)]
  const { outbox, clock } = open({ channels: { slack, email } })
  outbox.start()
  await outbox.accept([notification({ id: 'n', channels: ['slack', 'email'] })])
  await clock.advance(24 * 60 * MINUTE_MS)
  const told = new Set([...slack.attempts, ...email.attempts])
  expect(told.size).toBe(3) // n, and for each channel one about the other
  expect(await outbox.log(100)).toHaveLength(4)
  expect(outbox.stats()).toMatchObject({ slack: { waiting: 0, dead: 2 }, email: { waiting: 0, dead: 2 } })
})

test('what tells of a failing channel raises nothing where it fails itself', async () => {
  const [slack, email, webhook] = [testChannel(() => down), testChannel(() => down), testChannel()]
  const { outbox, clock } = open({ channels: { slack, email, webhook } })
  outbox.start()
  await outbox.accept([notification({ channels: ['slack'] })])
  await clock.advance(60 * MINUTE_MS)
  expect(webhook.arrived).toHaveLength(1)
  expect(outbox.stats()).toMatchObject({ slack: { dead: 1, failing: true }, email: { dead: 1, failing: false } })
})

test('a test that does not arrive raises nothing', async () => {
  const [slack, email] = [testChannel(() => down), testChannel()]
  const { outbox, clock } = open({ channels: { slack, email } })
  outbox.start()
  await outbox.accept([notification({ channels: ['slack'], test: true })])
  await clock.advance(20 * MINUTE_MS)
  expect(email.arrived).toEqual([])
  expect(await outbox.log(1)).toMatchObject([{ kind: 'dead', test: true }])
})

test('what a receiver refuses for good is not tried again, and the others learn it at once', async () => {
  const slack = testChannel(() => ({ kind: 'drop', reason: 'refused', error: new Error('hooks.slack.com answered 404') }))
  const email = testChannel()
  const { outbox, clock } = open({ channels: { slack, email } })
  outbox.start()
  await outbox.accept([notification({ channels: ['slack'] })])
  await clock.advance(0)
  expect(slack.attempts).toHaveLength(1)
  expect(email.arrived[0]?.alerts[0]?.annotations.description).toBe('Attempts: 1. The last one: hooks.slack.com answered 404')
})

test('a receiver that says Retry-After: 120 gets nothing for two minutes, no alert of another group either', async () => {
  const slack = testChannel(() => ({ kind: 'retry', afterMs: 120_000, error: new Error('429') }))
  const { outbox, clock } = open({ channels: { slack } })
  outbox.start()
  await outbox.accept([notification({ channels: ['slack'], groupKey: 'a' })])
  await clock.advance(0)
  slack.answer = () => ok
  await outbox.accept([notification({ channels: ['slack'], groupKey: 'b' })])
  await clock.advance(119_000)
  expect(slack.attempts).toHaveLength(1)
  await clock.advance(1_000)
  expect(slack.arrived).toHaveLength(2)
})

test('a Retry-After beyond the quarter of an hour is not waited for', async () => {
  const [slack, email] = [testChannel(() => ({ kind: 'retry', afterMs: 20 * MINUTE_MS, error: new Error('429') })), testChannel()]
  const { outbox, clock } = open({ channels: { slack, email } })
  outbox.start()
  await outbox.accept([notification({ channels: ['slack'] })])
  await clock.advance(0)
  expect(summaries(email.arrived)).toHaveLength(1)
})

test('a restart goes on with what waits, and sends nothing again that was delivered', async () => {
  const webhook = testChannel()
  const store = memoryDeliveries()
  const clock = createClock(START_MS)
  const first = open({ channels: { webhook }, store, clock })
  first.outbox.start()
  const [delivered, firing, end] = [notification({ groupKey: 'other' }), notification(), resolved()]
  await first.outbox.accept([delivered])
  await clock.advance(0)
  webhook.answer = () => down
  await first.outbox.accept([firing, end])
  await clock.advance(10_000)
  await first.outbox.stop()
  await expect(first.outbox.accept([notification()])).rejects.toThrow('the outbox has stopped')

  webhook.answer = () => ok
  const second = open({ channels: { webhook }, store, clock })
  second.outbox.start()
  // The evaluator does not know either whether these were taken.
  await second.outbox.accept([firing, end, delivered])
  await clock.advance(MINUTE_MS)
  expect(ids(webhook.arrived)).toEqual([delivered.id, firing.id, end.id])
  expect(await second.outbox.log(10)).toHaveLength(3)
})

test('what was accepted before the start waits for it, behind what was there', async () => {
  const webhook = testChannel()
  const store = memoryDeliveries()
  const [old, fresh] = [notification(), notification()]
  const before = open({ channels: { webhook }, store })
  await before.outbox.accept([old])
  await before.clock.advance(MINUTE_MS)
  const { outbox, clock } = open({ channels: { webhook }, store })
  await outbox.accept([fresh])
  await clock.advance(MINUTE_MS)
  expect(webhook.attempts).toEqual([])
  outbox.start()
  await clock.advance(MINUTE_MS)
  expect(webhook.arrived).toEqual([old, fresh])
})

test('after a night without the collector an alert has a quarter of an hour again', async () => {
  const webhook = testChannel(() => down)
  const store = memoryDeliveries()
  const before = open({ channels: { webhook }, store })
  const alert = notification()
  await before.outbox.accept([alert])
  const { outbox, clock } = open({ channels: { webhook }, store, clock: createClock(START_MS + 8 * 60 * MINUTE_MS) })
  outbox.start()
  await clock.advance(10 * MINUTE_MS)
  webhook.answer = () => ok
  await clock.advance(MINUTE_MS)
  expect(webhook.arrived).toEqual([alert])
})

test('a restart does not raise a failing channel anew, and tells when it is back', async () => {
  const [slack, email] = [testChannel(() => down), testChannel()]
  const store = memoryDeliveries()
  const clock = createClock(START_MS)
  const first = open({ channels: { slack, email }, store, clock })
  first.outbox.start()
  await first.outbox.accept([notification({ channels: ['slack'], groupKey: 'a' })])
  await clock.advance(20 * MINUTE_MS)
  expect(email.arrived).toHaveLength(1)
  await first.outbox.stop()

  const second = open({ channels: { slack, email }, store, clock })
  second.outbox.start()
  await second.outbox.accept([notification({ channels: ['slack'], groupKey: 'b' })])
  await clock.advance(20 * MINUTE_MS)
  expect(email.arrived).toHaveLength(1)
  expect(second.outbox.stats().slack?.failing).toBe(true)
  slack.answer = () => ok
  await second.outbox.accept([notification({ channels: ['slack'], groupKey: 'c' })])
  await clock.advance(MINUTE_MS)
  expect(summaries(email.arrived)[1]).toBe('The channel "slack" delivers again.')
})

test('an alert for a channel that is no longer configured is raised on the others', async () => {
  const email = testChannel()
  const { outbox, clock } = open({ channels: { email } })
  outbox.start()
  await outbox.accept([notification({ channels: ['slack', 'toString'] })])
  await clock.advance(0)
  expect(email.arrived).toHaveLength(2)
  expect(email.arrived[0]?.alerts[0]?.annotations.description).toContain('no channel of this name is configured')
})

test('channels can be replaced while alerts wait for them', async () => {
  const [broken, repaired] = [testChannel(() => down), testChannel()]
  const { outbox, clock } = open({ channels: { webhook: broken } })
  outbox.start()
  const alert = notification()
  await outbox.accept([alert])
  await clock.advance(MINUTE_MS)
  outbox.use({ webhook: repaired.send })
  await clock.advance(MINUTE_MS)
  expect(repaired.arrived).toEqual([alert])
})

test('what the store does not take is not accepted', async () => {
  const webhook = testChannel()
  const store = memoryDeliveries()
  const { outbox, clock } = open({ channels: { webhook }, store })
  outbox.start()
  await clock.advance(0)
  store.fault = new Error('ENOSPC')
  const alert = notification()
  await expect(outbox.accept([alert])).rejects.toThrow('ENOSPC')
  store.fault = undefined
  await outbox.accept([alert])
  await clock.advance(0)
  expect(webhook.arrived).toEqual([alert])
})

test('a store that fails after a delivery is written to when it is back, in order, and nothing is sent twice', async () => {
  const webhook = testChannel()
  const store = memoryDeliveries()
  const { outbox, clock, warnings } = open({ channels: { webhook }, store })
  outbox.start()
  const alerts = [notification(), notification(), notification()]
  webhook.answer = () => {
    store.fault = new Error('database is away')
    return ok
  }
  await outbox.accept(alerts)
  await clock.advance(5 * MINUTE_MS)
  expect(ids(webhook.arrived)).toEqual(ids(alerts))
  store.fault = undefined
  await clock.advance(MINUTE_MS)
  expect(await store.pending()).toEqual([])
  expect(store.calls.filter((call) => call.startsWith('finish'))).toEqual(alerts.map(({ id }) => `finish ${id}/webhook`))
  expect(webhook.attempts).toHaveLength(3)
  expect(warnings[0]).toBe('the outbox of alerts cannot be written: database is away')
})

test('a store that cannot be read at the start is waited for', async () => {
  const webhook = testChannel()
  const store = memoryDeliveries()
  const alert = notification()
  await open({ channels: { webhook }, store }).outbox.accept([alert])
  store.fault = new Error('database is away')
  const { outbox, clock, warnings } = open({ channels: { webhook }, store })
  outbox.start()
  await clock.advance(MINUTE_MS)
  expect(warnings).toContain('the outbox of alerts cannot be read: database is away')
  store.fault = undefined
  await clock.advance(MINUTE_MS)
  expect(webhook.arrived).toEqual([alert])
})

test('a clock that is set back by a day holds nothing up', async () => {
  const webhook = testChannel(() => down)
  const { outbox, clock } = open({ channels: { webhook } })
  outbox.start()
  await outbox.accept([notification()])
  await clock.advance(2 * MINUTE_MS)
  clock.set(START_MS - 86_400_000)
  webhook.answer = () => ok
  await clock.advance(2 * MINUTE_MS)
  expect(webhook.arrived).toHaveLength(1)
})

test('a clock that is set back by an hour does not prolong for how long an alert is tried', async () => {
  const webhook = testChannel(() => down)
  const { outbox, clock } = open({ channels: { webhook } })
  outbox.start()
  const [before, after] = [notification(), notification()]
  await outbox.accept([before])
  await clock.advance(10 * MINUTE_MS)
  clock.set(clock.now() - 60 * MINUTE_MS)
  await outbox.accept([after])
  const ended = async () => (await outbox.log(10)).map(({ notificationId, kind }) => [notificationId, kind])
  await clock.advance(4 * MINUTE_MS)
  expect(await ended()).toEqual([])
  await clock.advance(2 * MINUTE_MS)
  expect(await ended()).toEqual([[before.id, 'dead']])
  await clock.advance(10 * MINUTE_MS)
  expect(await ended()).toContainEqual([after.id, 'dead'])
})

test('a stop does not wait for a channel that hangs; the alert stays for the next process', async () => {
  const webhook = testChannel(() => new Promise(() => {}))
  const store = memoryDeliveries()
  const { outbox, clock } = open({ channels: { webhook }, store, attemptTimeoutMs: 60_000 })
  outbox.start()
  const alert = notification()
  await outbox.accept([alert])
  await clock.advance(0)
  expect(webhook.attempts).toHaveLength(1)
  await outbox.stop()
  expect(await store.pending()).toMatchObject([{ notification: alert, attempts: 0 }])
})

test('a stop does not wait for a store that hangs; it says that alerts may come again', async () => {
  const webhook = testChannel()
  const store = memoryDeliveries()
  const { outbox, clock, warnings } = open({ channels: { webhook }, store })
  outbox.start()
  await clock.advance(0)
  store.finish = () => new Promise(() => {})
  await outbox.accept([notification()])
  await clock.advance(0)
  expect(webhook.arrived).toHaveLength(1)
  await outbox.stop()
  expect(warnings.at(-1)).toBe(
    'the outbox of alerts could not be written to its end (changes left: 1): some alerts may come again, under the ids that they had',
  )
})

test('a channel with ten thousand waiting takes no more, and says so', async () => {
  const [webhook, email] = [testChannel(() => down), testChannel()]
  const { outbox, clock } = open({ channels: { webhook, email } })
  outbox.start()
  await outbox.accept(Array.from({ length: 10_001 }, () => notification()))
  await clock.advance(0)
  expect(outbox.stats().webhook).toMatchObject({ waiting: 10_000, dead: 1 })
  expect(email.arrived[0]?.alerts[0]?.annotations.description).toContain('10000 others wait for this channel already')
})
