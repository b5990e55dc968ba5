/** What a real Alertmanager makes of our alerts, and whether our webhook says what its own says. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createAlertmanager } from '../../collector/src/notify/alertmanager.ts'
import { createOutbox } from '../../collector/src/notify/outbox.ts'
import { createWebhook } from '../../collector/src/notify/webhook.ts'
import { type Listener, startListener } from '../collector/support/listener.ts'
import { memoryDeliveries } from '../collector/support/memory-deliveries.ts'
import { alert, notification, resolved } from '../collector/support/notifications.ts'
import { outside, untold } from '../collector/support/outside.ts'
import { type Alertmanager, createAlertmanagerServer } from './support/alertmanager.ts'

let listener: Listener
let server: Alertmanager
beforeAll(async () => {
  listener = await startListener()
  server = await createAlertmanagerServer(`${listener.url}/from-alertmanager`)
  await server.start()
})
afterAll(async () => {
  await server?.remove()
  await listener?.close()
})
beforeEach(() => void listener.received.splice(0))

type Body = { readonly status: string; readonly alerts: readonly { readonly labels: Readonly<Record<string, string>> }[] }

/** What Alertmanager has told about a rule, in order. */
function told(rule: string): Body[] {
  const bodies: Body[] = listener.received.filter(({ path }) => path === '/from-alertmanager').map(({ body }) => JSON.parse(body))
  return bodies.filter(({ alerts }) => alerts.some(({ labels }) => labels.alertname === rule))
}

/** A firing alert that began now, and its end. */
function pair(rule: string) {
  const nowMs = Date.now()
  const common = alert({ labels: { alertname: rule, severity: 'warning', route: '/v1/speak' }, startsAtMs: nowMs - 5_000 })
  const firing = notification({ rule, groupKey: rule, groupLabels: { alertname: rule }, alerts: [common], atMs: nowMs })
  const ended = { ...common, status: 'resolved', endsAtMs: nowMs - 1 } as const
  return { firing, end: resolved({ rule, groupKey: rule, groupLabels: { alertname: rule }, alerts: [ended], atMs: nowMs }) }
}

const channel = () => createAlertmanager({ url: new URL(server.url) }, outside())
const isRule = (rule: string) => (each: { readonly labels: Readonly<Record<string, string>> }) => each.labels.alertname === rule

test('an alert fires there once, however often it is told, and ends when it is resolved', async () => {
  const { firing, end } = pair('Told Thrice')
  for (let i = 0; i < 3; i++) expect(await channel()(firing, untold())).toEqual({ kind: 'ok' })
  await expect.poll(() => told('Told Thrice').length, { timeout: 10_000 }).toBe(1)
  const held = (await server.alerts()).filter(isRule('Told Thrice'))
  expect(held).toHaveLength(1)
  // Not the five minutes after which it would end what it is not told of again.
  expect(Date.parse(held[0]!.endsAt) - Date.now()).toBeGreaterThan(3_600_000)

  expect(await channel()(end, untold())).toEqual({ kind: 'ok' })
  await expect.poll(() => told('Told Thrice').map(({ status }) => status), { timeout: 10_000 }).toEqual(['firing', 'resolved'])
  expect((await server.alerts()).filter(isRule('Told Thrice'))).toEqual([])
})

test('an alert that fires again after its end is told again', async () => {
  const { firing, end } = pair('Back Again')
  for (const item of [firing, end]) await channel()(item, untold())
  const later = { ...firing, alerts: [{ ...firing.alerts[0]!, startsAtMs: Date.now() }], atMs: Date.now() }
  await channel()(later, untold())
  await expect.poll(async () => (await server.alerts()).filter(isRule('Back Again')).length, { timeout: 10_000 }).toBe(1)
})

test('an alert that gets worse is there once, with its new severity', async () => {
  const { firing } = pair('Gets Worse')
  await channel()(firing, untold())
  const [alert] = firing.alerts
  const worse = { ...alert!, labels: { ...alert!.labels, severity: 'critical' }, formerLabels: alert!.labels }
  await channel()({ ...firing, reason: 'severity_raised', severity: 'critical', alerts: [worse], atMs: Date.now() }, untold())
  const held = async () => (await server.alerts()).filter(isRule('Gets Worse')).map(({ labels }) => labels.severity)
  await expect.poll(held, { timeout: 10_000 }).toEqual(['critical'])
  const bodies = () => told('Gets Worse').flatMap(({ alerts }) => alerts.map(({ labels }) => labels.severity))
  await expect.poll(() => [...new Set(bodies())].sort().join(), { timeout: 10_000 }).toBe('critical,warning')
})

test('labels of any characters are taken', async () => {
  const { firing } = pair('Odd "Names" ☎ \n{}')
  const labels = { ...firing.alerts[0]!.labels, 'http.route': 'a"b\\c', '9': 'x', 'leer ☎': '', long: 'x'.repeat(10_000) }
  expect(await channel()({ ...firing, alerts: [{ ...firing.alerts[0]!, labels }] }, untold())).toEqual({ kind: 'ok' })
})

test('a test does not become one with the real alert', async () => {
  const { firing, end } = pair('Both')
  await channel()(firing, untold())
  await channel()({ ...firing, test: true }, untold())
  await channel()(end, untold())
  await expect
    .poll(async () => (await server.alerts()).filter(isRule('Both')).map(({ labels }) => labels.test), { timeout: 10_000 })
    .toEqual(['true'])
})

test('an Alertmanager that is away gets the alert when it is back, once', async () => {
  const store = memoryDeliveries()
  const outbox = createOutbox({ channels: { am: channel() }, store, now: Date.now, random: Math.random, warn: () => {} })
  await server.killHard()
  outbox.start()
  const { firing } = pair('Away')
  await outbox.accept([{ ...firing, channels: ['am'] }])
  await expect.poll(() => outbox.stats().am?.retries, { timeout: 10_000 }).toBeGreaterThan(1)
  await server.start()
  await expect.poll(() => outbox.stats().am?.delivered, { timeout: 20_000 }).toBe(1)
  await expect.poll(() => told('Away').length, { timeout: 10_000 }).toBe(1)
  await outbox.stop()
  expect((await store.log(10)).map(({ kind }) => kind)).toEqual(['delivered'])
})

/** The names and kinds of everything in a value; of a list its first. Maps of labels are maps, whatever is in them. */
function shapeOf(value: unknown, path = ''): string[] {
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(value)) return [`${path}: time`]
  if (typeof value !== 'object' || value === null) return [`${path}: ${typeof value}`]
  if (Array.isArray(value)) return shapeOf(value[0], `${path}[]`)
  if (/(labels|annotations)$/i.test(path)) return [`${path}: map`]
  return Object.entries(value).flatMap(([name, inner]) => shapeOf(inner, `${path}.${name}`))
}

test.each(['firing', 'resolved'] as const)(
  'our webhook has everything that the one of Alertmanager has, of the same kind: %s',
  async (state) => {
    const rule = `Shape ${state}`
    const { firing, end } = pair(rule)
    await channel()(firing, untold())
    if (state === 'resolved') {
      await expect.poll(() => told(rule).length, { timeout: 10_000 }).toBe(1)
      await channel()(end, untold())
    }
    await expect.poll(() => told(rule).at(-1)?.status, { timeout: 10_000 }).toBe(state)
    const theirs = told(rule).at(-1)!

    const webhook = createWebhook({ name: 'test', url: new URL(`${listener.url}/ours`), format: 'alertmanager', secrets: [] }, outside())
    await webhook(state === 'firing' ? firing : end, untold())
    const ours: Body = JSON.parse(listener.received.at(-1)!.body)
    expect(shapeOf(ours)).toEqual(expect.arrayContaining(shapeOf(theirs)))
    expect(shapeOf(theirs).length).toBeGreaterThan(14)
    for (const name of ['version', 'status', 'receiver', 'groupLabels', 'commonLabels', 'commonAnnotations', 'truncatedAlerts'])
      expect([name, Reflect.get(ours, name)]).toEqual([name, Reflect.get(theirs, name)])
  },
)
