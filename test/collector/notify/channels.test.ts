import { afterEach, expect, test } from 'vitest'
import { parseCollectorConfig } from '../../../collector/src/config.ts'
import { ChannelsError, createChannels } from '../../../collector/src/notify/channels.ts'
import { type ChannelConfig, parseChannels } from '../../../collector/src/notify/parse-channels.ts'
import { type Listener, startListener } from '../support/listener.ts'
import { notification } from '../support/notifications.ts'
import { untold } from '../support/outside.ts'

const SECRET = `whsec_${Buffer.alloc(24, 's').toString('base64')}`
const PEM = '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----'

const files: Readonly<Record<string, string>> = {
  '/run/url': ' https://hooks.slack.com/services/T/B/x\n',
  '/run/key': 'k3y',
  '/run/ca': PEM,
  '/run/empty': '\n',
}
function readFile(path: string): string {
  const text = files[path]
  if (text === undefined) throw new Error('ENOENT')
  return text
}
const parse = (value: unknown) => parseChannels(value, { readFile })

const listeners: Listener[] = []
afterEach(async () => {
  for (const listener of listeners.splice(0)) await listener.close()
})

test('each type of channel is read, its secrets also from files', () => {
  const { channels, problems } = parse({
    ops: { type: 'slack', url_file: '/run/url' },
    hook: { type: 'webhook', url: 'https://example.org/hook', format: 'plain', secret: SECRET, token_file: '/run/key', ca_file: '/run/ca' },
    am: { type: 'alertmanager', url: 'http://10.0.0.5:9093', token: 'abc' },
    pager: { type: 'pagerduty', routing_key_file: '/run/key' },
    team: { type: 'email', to: ['ann@example.org', 'bob@example.org'] },
    all: { type: 'email' },
  })
  expect(problems).toEqual([])
  expect(channels).toEqual({
    ops: { type: 'slack', url: 'https://hooks.slack.com/services/T/B/x' },
    hook: { type: 'webhook', url: 'https://example.org/hook', format: 'plain', secrets: [Buffer.alloc(24, 's')], token: 'k3y', ca: PEM },
    am: { type: 'alertmanager', url: 'http://10.0.0.5:9093', token: 'abc' },
    pager: { type: 'pagerduty', routingKey: 'k3y' },
    team: { type: 'email', to: ['ann@example.org', 'bob@example.org'] },
    all: { type: 'email' },
  })
})

test('a file without channels has none', () => {
  expect([parse(undefined), parse(null), parse({})]).toEqual(Array(3).fill({ channels: {}, problems: [] }))
})

test.each<[unknown, readonly string[]]>([
  [['slack'], ['channels is not a map from names to channels']],
  [{ a: 'slack' }, ['channels.a is not a map with a type']],
  [{ a: {} }, ['channels.a.type is not one of webhook, slack, alertmanager, pagerduty, email']],
  [{ a: { type: 'toString' } }, ['channels.a.type is not one of webhook, slack, alertmanager, pagerduty, email']],
  [{ a: { type: 'slack' } }, ['channels.a has no url']],
  [
    { a: { type: 'slack', url: 'T0PSECRET' } },
    ['channels.a.url is not an https:// URL without user and password (http:// only in a network of ALERT_ALLOW_PRIVATE)'],
  ],
  [{ a: { type: 'slack', url: 5 } }, ['channels.a.url is not a text']],
  [{ a: { type: 'slack', url: 'https://u:T0PSECRET@x.example' } }, [expect.stringMatching(/^channels\.a\.url is not /)]],
  [
    { a: { type: 'slack', url: 'https://x.example', url_file: '/run/url' } },
    ['channels.a.url and url_file are both there; keep one of them'],
  ],
  [{ a: { type: 'slack', url_file: '/run/none' } }, ['channels.a.url_file names /run/none, which cannot be read: ENOENT']],
  [{ a: { type: 'slack', url_file: '/run/empty' } }, ['channels.a.url_file names /run/empty, which is empty']],
  [
    { a: { type: 'slack', url: 'https://x.example', chanel: '#x' } },
    ['channels.a.chanel is not known; there are type, url, url_file, ca, ca_file'],
  ],
  [{ a: { type: 'webhook', url: 'https://x.example', format: 'xml' } }, ['channels.a.format is not alertmanager or plain']],
  [
    { a: { type: 'webhook', url: 'https://x.example', secret: 'T0PSECRET' } },
    ['channels.a.secret is not whsec_ and base64 of 24 to 64 random bytes'],
  ],
  [{ a: { type: 'pagerduty' } }, ['channels.a has no routing_key']],
  [{ a: { type: 'email', to: ['nobody'] } }, ['channels.a.to is not a list of addresses like oncall@example.org']],
  [{ a: { type: 'email', to: [] } }, ['channels.a.to is not a list of addresses like oncall@example.org']],
  [{ 'a b': { type: 'email' } }, ['channels.a b: a name is a letter and up to 62 letters, digits, - and _']],
])('what is wrong is said, without a secret: %j', (value, expected) => {
  const { channels, problems } = parse(value)
  expect(problems).toEqual(expected)
  expect(channels).toEqual({})
  expect(problems.join()).not.toContain('T0PSECRET')
})

const ENV = {
  SLACK_WEBHOOK_URL: 'https://hooks.slack.com/services/T/B/x',
  ALERT_WEBHOOK_URL: 'https://example.org/hook',
  SMTP_URL: 'smtps://u:p@mail.example',
  ALERT_EMAIL_FROM: 'alerts@example.org',
  ALERT_EMAIL_TO: 'ann@example.org,bob@example.org',
  ERROR_WEBHOOK_URL: 'https://hooks.slack.com/services/T/B/y',
}

function create(env: Readonly<Record<string, string>>, file: unknown = {}) {
  const { channels: named, problems } = parse(file)
  expect(problems).toEqual([])
  return createChannels({ ...parseCollectorConfig(env).config.notify, named }, { now: Date.now })
}

function problemsOf(env: Readonly<Record<string, string>>, file: unknown = {}): readonly string[] {
  try {
    create(env, file)
    return []
  } catch (error) {
    if (error instanceof ChannelsError) return error.problems
    throw error
  }
}

test('the environment gives slack, webhook, email and errors; the file adds its own', () => {
  const file = { pager: { type: 'pagerduty', routing_key: 'k' }, ann: { type: 'email', to: 'ann@example.org' } }
  expect(Object.keys(create(ENV, file))).toEqual(['slack', 'webhook', 'email', 'errors', 'pager', 'ann'])
  expect(Object.keys(create({}))).toEqual([])
})

test('a name that both have is a problem', () => {
  expect(problemsOf(ENV, { slack: { type: 'slack', url: ENV.SLACK_WEBHOOK_URL } })).toEqual([
    'there is a channel "slack" in the rules file, and one in SLACK_WEBHOOK_URL; rename or remove one',
  ])
})

test('a file can choose among the recipients of the environment, and add none', () => {
  expect(problemsOf(ENV, { eve: { type: 'email', to: ['ann@example.org', 'eve@evil.example'] } })).toEqual([
    'channel eve: eve@evil.example is not in ALERT_EMAIL_TO; add it there',
  ])
  expect(problemsOf({}, { team: { type: 'email' } })).toEqual([
    'channel team: there is no SMTP_URL, ALERT_EMAIL_FROM and ALERT_EMAIL_TO; set them',
  ])
})

test('an address of a file that is not allowed is a problem before anything is sent, without its path', () => {
  const file = { am: { type: 'alertmanager', url: 'http://10.0.0.5:9093/T0PSECRET' } satisfies ChannelConfig }
  expect(problemsOf({}, file)).toEqual([
    'channel am: http://10.0.0.5:9093 is no public address; if it is yours and meant, add it to ALERT_ALLOW_PRIVATE',
  ])
  expect(problemsOf({ ALERT_ALLOW_PRIVATE: '10.0.0.0/24' }, file)).toEqual([])
})

test('a proxy whose address is none is a problem of the channel', () => {
  expect(problemsOf({ ...ENV, NO_PROXY: '*' })).toEqual([])
  expect(problemsOf({ HTTPS_PROXY: 'http://proxy.example:3128' }, { a: { type: 'slack', url: 'https://intranet/' } })).toEqual([
    'channel a: https://intranet is a local name that the proxy would resolve; name it in NO_PROXY, so that it is resolved and checked here',
  ])
})

test('what the environment names is what is delivered to', async () => {
  const listener = await startListener()
  listeners.push(listener)
  const env = {
    ALERT_WEBHOOK_URL: `${listener.url}/x`,
    ALERT_WEBHOOK_FORMAT: 'plain',
    ALERT_WEBHOOK_SECRET: SECRET,
    ALERT_ALLOW_PRIVATE: '127.0.0.0/8',
  }
  const { webhook } = create(env)
  expect(await webhook?.(notification(), untold())).toEqual({ kind: 'ok' })
  expect(JSON.parse(listener.received[0]!.body)).toMatchObject({ message: 'Alert: High Error Rate' })
  expect(listener.received[0]!.headers['webhook-signature']).toMatch(/^v1,/)
})
