import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseRules } from '../../../collector/src/alert/parse-rules.ts'
import { SHIPPED_RULES } from '../../../collector/src/alert/shipped-rules.ts'
import { parseCollectorConfig } from '../../../collector/src/config.ts'
import { META_RULES } from '../../../collector/src/rule-book.ts'

const problems = (env: Record<string, string>, argv: string[] = []) => parseCollectorConfig(env, argv).problems

const webhookSecret = (character: string) => `whsec_${Buffer.alloc(24, character).toString('base64')}`

test('without any variable the collector listens on loopback and stores in an embedded database', () => {
  expect(parseCollectorConfig({}, [])).toEqual({
    problems: [],
    config: {
      listen: { host: '127.0.0.1', port: 4318 },
      database: { url: undefined, adminUrl: undefined, dataDir: '.data' },
      elasticsearch: undefined,
      queueBytesMax: 1_024 * 2 ** 20,
      access: { ingest: { tokens: [], file: undefined }, read: { tokens: [], file: undefined } },
      logLevel: 'DEBUG',
      retentionDays: 30,
      notify: {
        slackUrl: undefined,
        webhook: undefined,
        email: undefined,
        errorsUrl: undefined,
        allow: { ranges: [], ports: [] },
        proxy: { https: undefined, no: undefined },
      },
      stores: true,
      alerts: { rules: { file: 'alerts.yaml', text: SHIPPED_RULES }, inFile: false, checkIntervalMs: 30_000 },
    },
  })
})

test('every variable arrives; empty ones are unset', () => {
  const env = {
    COLLECTOR_LISTEN: '[::1]:0',
    COLLECTOR_DATA_DIR: ' /tmp/x ',
    DATABASE_URL: 'postgresql://u:p@h/d',
    DATABASE_ADMIN_URL: 'postgres://o:p@h/d',
    COLLECTOR_QUEUE_MAX_MB: '3',
    ELASTICSEARCH_URL: 'https://es.example:9200/path',
    ELASTICSEARCH_USERNAME: 'writer',
    ELASTICSEARCH_PASSWORD: 'p w',
    ELASTICSEARCH_CA: '-----BEGIN CERTIFICATE-----\nx',
    ELASTICSEARCH_ILM_POLICY: 'ninety-days',
    ES_INDEX_PREFIX: 'speech',
    INGEST_TOKEN: 'in',
    READ_TOKEN: '',
    LOG_DB_LEVEL: 'warn',
    RETENTION_DAYS: '7',
    SLACK_WEBHOOK_URL: 'https://hooks.slack.com/services/T/B/x',
    ALERT_WEBHOOK_URL: 'http://10.1.0.5:8080/hook',
    ALERT_WEBHOOK_FORMAT: 'Plain',
    ALERT_WEBHOOK_SECRET: `${webhookSecret('n')} ${webhookSecret('o')}`,
    SMTP_URL: 'smtps://me:p%40ss@mail.example',
    ALERT_EMAIL_FROM: 'alerts@example.org',
    ALERT_EMAIL_TO: 'ann@example.org, bob@example.org',
    ERROR_WEBHOOK_URL: 'https://errors.example:8443/x',
    ALERT_ALLOW_PRIVATE: '127.0.0.0/8, 10.1.0.0/16',
    ALERT_ALLOW_PORTS: '8443',
    HTTPS_PROXY: 'http://upper.example:3128',
    https_proxy: 'lower.example:3128',
    no_proxy: '.internal',
    COLLECTOR_ROLES: 'Alerts',
    ALERT_RULES: '/etc/rules.yaml',
    ALERT_CHECK_INTERVAL: '5',
  }
  const readFile = (path: string) => (path === '/etc/rules.yaml' ? 'rules: []' : '')
  expect(parseCollectorConfig(env, [], { readFile })).toEqual({
    problems: [],
    config: {
      listen: { host: '::1', port: 0 },
      database: { url: 'postgresql://u:p@h/d', adminUrl: 'postgres://o:p@h/d', dataDir: '/tmp/x' },
      elasticsearch: {
        url: 'https://es.example:9200/path',
        apiKey: undefined,
        username: 'writer',
        password: 'p w',
        ca: '-----BEGIN CERTIFICATE-----\nx',
        indexPrefix: 'speech',
        ilmPolicy: 'ninety-days',
      },
      queueBytesMax: 3 * 2 ** 20,
      access: { ingest: { tokens: ['in'], file: undefined }, read: { tokens: [], file: undefined } },
      logLevel: 'WARNING',
      retentionDays: 7,
      notify: {
        slackUrl: 'https://hooks.slack.com/services/T/B/x',
        webhook: { url: 'http://10.1.0.5:8080/hook', format: 'plain', secrets: [Buffer.alloc(24, 'n'), Buffer.alloc(24, 'o')] },
        email: {
          server: { host: 'mail.example', port: 465, tls: 'implicit', credentials: { user: 'me', pass: 'p@ss' } },
          from: 'alerts@example.org',
          to: ['ann@example.org', 'bob@example.org'],
        },
        errorsUrl: 'https://errors.example:8443/x',
        allow: {
          ranges: [
            { address: '127.0.0.0', prefix: 8 },
            { address: '10.1.0.0', prefix: 16 },
          ],
          ports: [8443],
        },
        proxy: { https: 'lower.example:3128', no: '.internal' },
      },
      stores: false,
      alerts: { rules: { file: '/etc/rules.yaml', text: 'rules: []' }, inFile: true, checkIntervalMs: 5_000 },
    },
  })
})

test('all problems are told at once, each with the variable and what is allowed', () => {
  const found = problems({ COLLECTOR_LISTEN: '4318', LOG_DB_LEVEL: 'loud', RETENTION_DAYS: '0', READ_TOKEN: 'two words' }, ['--verbose'])
  expect(found).toEqual([
    '--verbose is no option: there is --config FILE, and the variables that --help lists',
    'COLLECTOR_LISTEN="4318" is not host:port, for example 127.0.0.1:4318 or [::1]:4318',
    expect.stringMatching(/^READ_TOKEN is not a token of visible ASCII characters/),
    'LOG_DB_LEVEL="loud" is not DEBUG, INFO, WARNING, ERROR, CRITICAL',
    'RETENTION_DAYS="0" is not a whole number from 1 to 3650',
  ])
})

test('a secret is never shown', () => {
  expect(problems({ DATABASE_URL: 'mysql://user:hunter2@host/db', INGEST_TOKEN: 'hunter2 hunter2' }).join()).not.toContain('hunter2')
})

test.each(['0.0.0.0:4318', '[::]:4318', '192.168.1.5:4318', 'collector.example:4318'])(
  '%s is refused without INGEST_TOKEN',
  (COLLECTOR_LISTEN) => {
    expect(problems({ COLLECTOR_LISTEN })).toEqual([expect.stringMatching(/machines can reach COLLECTOR_LISTEN.*no INGEST_TOKEN/)])
    expect(problems({ COLLECTOR_LISTEN, INGEST_TOKEN: 'sixteen-letters-' })).toEqual([])
  },
)

test.each(['127.0.0.1:4318', '127.1.2.3:1', '[::1]:4318', 'localhost:65535'])('%s needs no token', (COLLECTOR_LISTEN) => {
  expect(problems({ COLLECTOR_LISTEN })).toEqual([])
})

test('a secret comes from the file that NAME_FILE names', () => {
  const readFile = (path: string) => {
    if (path === '/run/secrets/token') return 'from-file\n'
    if (path === '/run/secrets/empty') return '\n'
    throw new Error('ENOENT')
  }
  const parse = (env: Record<string, string>) => parseCollectorConfig(env, [], { readFile })
  expect(parse({ INGEST_TOKEN_FILE: '/run/secrets/token' }).config.access.ingest).toEqual({
    tokens: ['from-file'],
    file: '/run/secrets/token',
  })
  expect(parse({ INGEST_TOKEN_FILE: '/run/secrets/token', INGEST_TOKEN: 'own' }).problems).toEqual([
    'INGEST_TOKEN and INGEST_TOKEN_FILE are both set; set one of them',
  ])
  expect(parse({ READ_TOKEN_FILE: '/nowhere' }).problems).toEqual(['READ_TOKEN_FILE names /nowhere, which cannot be read: ENOENT'])
  expect(parse({ READ_TOKEN_FILE: '/run/secrets/empty' }).problems).toEqual(['READ_TOKEN_FILE names /run/secrets/empty, which is empty'])
})

test('an owner of the database without a database is a mistake', () => {
  expect(problems({ DATABASE_ADMIN_URL: 'postgres://o@h/d' })).toEqual([expect.stringContaining('DATABASE_URL is not')])
})

test.each([
  [{ ELASTICSEARCH_URL: 'http://user:hunter2@h:9200' }, 'ELASTICSEARCH_URL is not a URL like'],
  [{ ELASTICSEARCH_URL: 'es.example:9200' }, 'ELASTICSEARCH_URL is not a URL like'],
  [{ ELASTICSEARCH_API_KEY: 'hunter2' }, 'no ELASTICSEARCH_URL'],
  [
    { ELASTICSEARCH_URL: 'http://h', ELASTICSEARCH_API_KEY: 'hunter2', ELASTICSEARCH_USERNAME: 'u', ELASTICSEARCH_PASSWORD: 'hunter2' },
    'both set',
  ],
  [{ ELASTICSEARCH_URL: 'http://h', ELASTICSEARCH_USERNAME: 'u' }, 'belong together'],
  [{ ELASTICSEARCH_URL: 'http://h', ELASTICSEARCH_CA: '/etc/ca.pem' }, 'ELASTICSEARCH_CA_FILE names a file'],
  [{ ES_INDEX_PREFIX: 'TTS' }, 'ES_INDEX_PREFIX="TTS" is not a name'],
  [{ ES_INDEX_PREFIX: 'a,b*' }, 'ES_INDEX_PREFIX="a,b*" is not a name'],
  [{ ELASTICSEARCH_ILM_POLICY: '_all' }, 'ELASTICSEARCH_ILM_POLICY="_all" is not the name of a policy'],
  [{ COLLECTOR_QUEUE_MAX_MB: '0' }, 'COLLECTOR_QUEUE_MAX_MB="0" is not a whole number'],
] as [Record<string, string>, string][])('a wrong setting of Elasticsearch is told: %j', (env, message) => {
  const found = problems(env)
  expect(found).toEqual([expect.stringContaining(message)])
  expect(found.join()).not.toContain('hunter2')
})

test.each([
  [{ SLACK_WEBHOOK_URL: 'https://hooks.slack.com:22/x' }, 'SLACK_WEBHOOK_URL has port 22; if that is meant, add it to ALERT_ALLOW_PORTS'],
  [
    { ALERT_WEBHOOK_URL: 'http://127.0.0.1:9999/x' },
    'ALERT_WEBHOOK_URL is no public address; if it is yours and meant, add it to ALERT_ALLOW_PRIVATE',
  ],
  [
    { ALERT_WEBHOOK_URL: 'http://hook.example/x' },
    'ALERT_WEBHOOK_URL is public and must be reached with TLS; without it only what is in ALERT_ALLOW_PRIVATE is',
  ],
  [{ ERROR_WEBHOOK_URL: 'https://2852039166/x' }, 'ERROR_WEBHOOK_URL is the metadata service of a cloud'],
  [
    { SMTP_URL: 'smtp://10.0.0.1:25?tls=off', ALERT_EMAIL_FROM: 'a@b.example', ALERT_EMAIL_TO: 'c@d.example' },
    'SMTP_URL is no public address; if it is yours and meant, add it to ALERT_ALLOW_PRIVATE',
  ],
  [{ ALERT_EMAIL_TO: 'a@b.example' }, 'SMTP_URL, ALERT_EMAIL_FROM and ALERT_EMAIL_TO belong together; set all three, or none'],
  [{ ALERT_WEBHOOK_SECRET: webhookSecret('s') }, 'ALERT_WEBHOOK_SECRET is set but ALERT_WEBHOOK_URL is not; set it, or remove the secret'],
  [
    { ALERT_ALLOW_PRIVATE: '10.0.0.0/8,all' },
    'ALERT_ALLOW_PRIVATE="10.0.0.0/8,all" is not ranges of addresses like 127.0.0.0/8,10.1.0.0/16,fd00::/8',
  ],
  [{ ALERT_WEBHOOK_FORMAT: 'xml' }, 'ALERT_WEBHOOK_FORMAT="xml" is not alertmanager or plain'],
  [
    { ALERT_WEBHOOK_SECRET: 'hunter2' },
    'ALERT_WEBHOOK_SECRET is not whsec_ and base64 of 24 to 64 random bytes; several with spaces between them',
  ],
])('channels: %o', (env, problem) => expect(problems(env)).toEqual([problem]))

test('a password of a database that is not percent-encoded is refused, and no piece of it is told', () => {
  for (const DATABASE_URL of [
    'postgres://tts:p@s#w/d@127.0.0.1:55439/telemetry',
    'postgres://tts:12/d@127.0.0.1/telemetry',
    'postgres://tts:12?d@127.0.0.1/telemetry',
  ]) {
    const [problem, ...others] = problems({ DATABASE_URL })
    expect(others).toEqual([])
    expect(problem).toMatch(/^DATABASE_URL is not a URL like .* percent-encode/)
    expect(problem).not.toMatch(/12|p@s|w\/d|tts:/)
  }
  for (const DATABASE_URL of ['postgres://tts:p%40s%23w%2Fd@127.0.0.1/telemetry', 'postgres://tts:p@s@127.0.0.1', 'postgres://127.0.0.1'])
    expect(problems({ DATABASE_URL })).toEqual([])
})

test('nothing secret of a channel is shown', () => {
  const found = problems({
    SLACK_WEBHOOK_URL: 'https://u:hunter2@hooks.slack.com/hunter2',
    ALERT_WEBHOOK_URL: 'ftp://hunter2',
    SMTP_URL: 'smtp://u:hunter2@mail.example:465',
    HTTPS_PROXY: 'socks5://u:hunter2@proxy.example',
  })
  expect(found).toHaveLength(4)
  expect(found.join()).not.toContain('hunter2')
})

test('alerts: a role that is not there, rules that are wrong or missing', () => {
  const readFile = (path: string) => {
    if (path === 'missing.yaml') throw new Error('ENOENT: no such file')
    return path === 'channel.yaml' ? 'channels: { hook: { type: webhook } }' : 'rules: [{ name: Errors, condition: error_rat > 0.05 }]'
  }
  const found = (env: Record<string, string>) => parseCollectorConfig(env, [], { readFile })
  expect(found({ COLLECTOR_ROLES: 'store' }).config).toMatchObject({ stores: true, alerts: undefined })
  expect(found({ COLLECTOR_ROLES: 'store,watch' }).problems).toEqual([
    'COLLECTOR_ROLES="store,watch" is not store or alerts, or both with a comma between them',
  ])
  expect(found({ ALERT_RULES: 'missing.yaml' }).problems).toEqual([
    'ALERT_RULES names missing.yaml, which cannot be read: ENOENT: no such file',
  ])
  expect(found({ ALERT_RULES: 'wrong.yaml' }).problems).toEqual([expect.stringMatching(/^wrong\.yaml:1:\d+: .*error_rat/)])
  expect(found({ ALERT_RULES: 'channel.yaml' }).problems).toEqual(['channel.yaml: channels.hook has no url'])
  expect(parseRules(META_RULES).problems).toEqual([])
})

test('the heartbeat of docs/operations.md is a file of rules', () => {
  const document = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8')
  const [, text] = /```yaml\n(rules:[\s\S]*?)```/.exec(document) ?? []
  expect(parseCollectorConfig({ ALERT_RULES: 'alerts.yaml' }, [], { readFile: () => text ?? '' }).problems).toEqual([])
  expect(text).toContain('Watchdog')
})
