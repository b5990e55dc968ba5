import { type AddressRange, parseAddressRange } from './address-range.ts'
import { isDatabaseUrl } from './database-url.ts'
import { LEVELS, type Level, parseLevel } from './level.ts'
import { parseMailAddress, parseMailAddresses } from './mail-address.ts'
import { parseSmtpUrl, type SmtpServer } from './smtp-server.ts'
import { parseTokens } from './token.ts'
import { parseWebhookSecrets, type WebhookSecret } from './webhook-secret.ts'

/** One kind of value that a variable can hold. */
export type SettingType<T> = {
  /** What is allowed, as the end of the sentence "… is not …". */
  readonly expects: string
  /** The value of a trimmed, non-empty text; undefined when it is wrong. */
  readonly read: (text: string) => T | undefined
  /** The text is never shown in a message, and `NAME_FILE` may name a file that holds it. */
  readonly secret?: true
}

/** One row: how a variable is read, what holds without it, what the documentation says. */
export type CollectorSetting<T> = {
  readonly type: SettingType<T>
  readonly fallback: T
  readonly doc: string
  /** Of the number in the variable. */
  readonly unit?: string
}

/** Where the collector listens. An IPv6 address has no brackets here. */
export type Address = { readonly host: string; readonly port: number }

const RETENTION_DAYS_MAX = 3_650
/** A disk of a machine that only holds a queue. */
const QUEUE_MB_MAX = 1_000_000

const text: SettingType<string> = { expects: 'a text', read: (value) => value }
const path: SettingType<string> = { expects: 'the path of a file', read: (value) => value }
const tokens: SettingType<readonly string[]> = {
  expects: 'a token of visible ASCII characters without spaces and commas; several with commas or, in the file, line ends between them',
  read: parseTokens,
  secret: true,
}
const address: SettingType<Address> = { expects: 'host:port, for example 127.0.0.1:4318 or [::1]:4318', read: readAddress }
const databaseUrl: SettingType<string> = {
  expects:
    'a URL like postgres://user:password@host:5432/database; percent-encode what is special in user and password: # is %23, / is %2F',
  read: (value) => (isDatabaseUrl(value) ? value : undefined),
  secret: true,
}
const level: SettingType<Level> = { expects: LEVELS.join(', '), read: parseLevel }
const elasticsearchUrl: SettingType<string> = {
  expects:
    'a URL like https://elasticsearch.example:9200, without user and password: ELASTICSEARCH_USERNAME and ELASTICSEARCH_PASSWORD hold these',
  read: readElasticsearchUrl,
  secret: true,
}
const password: SettingType<string> = { expects: 'a text', read: (value) => value, secret: true }
const apiKey: SettingType<string> = {
  expects: 'an API key of visible ASCII characters without spaces',
  read: (value) => (/^[\x21-\x7e]+$/.test(value) ? value : undefined),
  secret: true,
}
const certificates: SettingType<string> = {
  expects: 'certificates in PEM (-----BEGIN CERTIFICATE-----); ELASTICSEARCH_CA_FILE names a file with them',
  read: (value) => (value.includes('-----BEGIN CERTIFICATE-----') ? value : undefined),
  secret: true,
}
const indexPrefix: SettingType<string> = {
  expects: 'a name of at most 100 lower-case letters, digits, - and _ that begins with a letter or digit',
  read: (value) => (/^[a-z0-9][a-z0-9_-]{0,99}$/.test(value) ? value : undefined),
}
const policyName: SettingType<string> = {
  expects: 'the name of a policy: no spaces, no commas, no _ at the beginning',
  read: (value) => (/^[^_\s,][^\s,]{0,254}$/.test(value) ? value : undefined),
}
const queueSize: SettingType<number> = {
  expects: `a whole number from 1 to ${QUEUE_MB_MAX}`,
  read: (value) => readWhole(value, QUEUE_MB_MAX),
}
const days: SettingType<number> = {
  expects: `a whole number from 1 to ${RETENTION_DAYS_MAX}`,
  read: (value) => readWhole(value, RETENTION_DAYS_MAX),
}

/** What a collector does with telemetry: keep it, and decide about alerts. */
export const ROLES = ['store', 'alerts'] as const
export type Role = (typeof ROLES)[number]

const roles: SettingType<readonly Role[]> = {
  expects: `${ROLES.join(' or ')}, or both with a comma between them`,
  read: (value) => readList(value, (role) => ROLES.find((known) => known === role.toLowerCase())),
}
const seconds: SettingType<number> = {
  expects: 'a whole number from 1 to 3600',
  read: (value) => readWhole(value, 3_600),
}
const receiverUrl: SettingType<string> = {
  expects: 'an https:// URL without user and password (http:// only in a network of ALERT_ALLOW_PRIVATE)',
  read: readReceiverUrl,
  secret: true,
}
const bodyFormat: SettingType<WebhookFormat> = {
  expects: 'alertmanager or plain',
  read: (value) => WEBHOOK_FORMATS.find((format) => format === value.toLowerCase()),
}
const webhookSecrets: SettingType<readonly WebhookSecret[]> = {
  expects: 'whsec_ and base64 of 24 to 64 random bytes; several with spaces between them',
  read: parseWebhookSecrets,
  secret: true,
}
const smtpUrl: SettingType<SmtpServer> = {
  expects:
    'a URL like smtps://user:password@mail.example:465 or smtp://user:password@mail.example:587 (STARTTLS), or, without TLS and password, smtp://host:25?tls=off',
  read: parseSmtpUrl,
  secret: true,
}
const mailAddress: SettingType<string> = { expects: 'an address like alerts@example.org', read: parseMailAddress }
const mailAddresses: SettingType<readonly string[]> = {
  expects: 'addresses like oncall@example.org, separated by commas',
  read: parseMailAddresses,
}
const addressRanges: SettingType<readonly AddressRange[]> = {
  expects: 'ranges of addresses like 127.0.0.0/8,10.1.0.0/16,fd00::/8',
  read: (value) => readList(value, parseAddressRange),
}
const ports: SettingType<readonly number[]> = {
  expects: 'port numbers, separated by commas',
  read: (value) => readList(value, (port) => readWhole(port, 65_535)),
}
const proxyUrl: SettingType<string> = {
  expects: 'an http:// or https:// URL',
  read: (value) => (/^https?:$/.test(URL.parse(value.includes('://') ? value : `http://${value}`)?.protocol ?? '') ? value : undefined),
  secret: true,
}

/** Bodies that a webhook can have. */
export const WEBHOOK_FORMATS = ['alertmanager', 'plain'] as const
export type WebhookFormat = (typeof WEBHOOK_FORMATS)[number]

/** Reads one variable: the value, or what holds without it. */
export type SettingsGetter = <Name extends keyof CollectorSettings>(name: Name) => CollectorSettings[Name]

/** What the variables hold once they are read. */
export type CollectorSettings = {
  readonly COLLECTOR_LISTEN: Address
  readonly COLLECTOR_TLS_CERT: string | undefined
  readonly COLLECTOR_TLS_KEY: string | undefined
  readonly COLLECTOR_TLS_CLIENT_CA: string | undefined
  readonly COLLECTOR_DATA_DIR: string
  readonly COLLECTOR_QUEUE_MAX_MB: number
  readonly DATABASE_URL: string | undefined
  readonly DATABASE_ADMIN_URL: string | undefined
  readonly DATABASE_READ_URL: string | undefined
  readonly ELASTICSEARCH_URL: string | undefined
  readonly ELASTICSEARCH_API_KEY: string | undefined
  readonly ELASTICSEARCH_USERNAME: string | undefined
  readonly ELASTICSEARCH_PASSWORD: string | undefined
  readonly ELASTICSEARCH_CA: string | undefined
  readonly ELASTICSEARCH_ILM_POLICY: string | undefined
  readonly ES_INDEX_PREFIX: string
  readonly INGEST_TOKEN: readonly string[] | undefined
  readonly READ_TOKEN: readonly string[] | undefined
  readonly LOG_DB_LEVEL: Level
  readonly RETENTION_DAYS: number
  readonly COLLECTOR_ROLES: readonly Role[]
  readonly ALERT_RULES: string | undefined
  readonly ALERT_CHECK_INTERVAL: number
  readonly SLACK_WEBHOOK_URL: string | undefined
  readonly ALERT_WEBHOOK_URL: string | undefined
  readonly ALERT_WEBHOOK_FORMAT: WebhookFormat
  readonly ALERT_WEBHOOK_SECRET: readonly WebhookSecret[] | undefined
  readonly SMTP_URL: SmtpServer | undefined
  readonly ALERT_EMAIL_FROM: string | undefined
  readonly ALERT_EMAIL_TO: readonly string[] | undefined
  readonly ERROR_WEBHOOK_URL: string | undefined
  readonly ALERT_ALLOW_PRIVATE: readonly AddressRange[] | undefined
  readonly ALERT_ALLOW_PORTS: readonly number[] | undefined
  readonly HTTPS_PROXY: string | undefined
  readonly NO_PROXY: string | undefined
}

/** Every variable the collector reads. `config.ts` reads them, the documentation is written from them. */
export const COLLECTOR_SETTINGS: { readonly [Name in keyof CollectorSettings]: CollectorSetting<CollectorSettings[Name]> } = {
  COLLECTOR_LISTEN: setting(
    address,
    { host: '127.0.0.1', port: 4318 },
    'Address and port to listen on. Another address than loopback needs INGEST_TOKEN, and READ_TOKEN to read. Port 0 takes a free one.',
  ),
  COLLECTOR_TLS_CERT: optional(
    path,
    'File with the certificate of the collector (PEM), then those of authorities between. With it the collector speaks TLS only. Changed files are read again.',
  ),
  COLLECTOR_TLS_KEY: optional(path, 'File with the private key of this certificate (PEM, without a passphrase).'),
  COLLECTOR_TLS_CLIENT_CA: optional(
    path,
    'File with the certificates of authorities (PEM). With it only clients with a certificate of one of them are talked to.',
  ),
  COLLECTOR_DATA_DIR: setting(
    text,
    '.data',
    'Folder of the embedded database that is used without DATABASE_URL, and of the queue for Elasticsearch.',
  ),
  COLLECTOR_QUEUE_MAX_MB: setting(
    queueSize,
    1_024,
    'Disk that the queue for Elasticsearch may take, compressed; above it the oldest records are dropped and counted.',
    'MB',
  ),
  DATABASE_URL: optional(
    databaseUrl,
    'PostgreSQL to store in. Without it an embedded PGlite is used: for development, not durable against power loss.',
  ),
  DATABASE_ADMIN_URL: optional(
    databaseUrl,
    'The same database as the owner of its tables, for migrations and partitions. Without it DATABASE_URL does both.',
  ),
  DATABASE_READ_URL: optional(
    databaseUrl,
    'The same database for what the API reads: as a user that may only read, or a replica. Without it DATABASE_URL, on connections of its own.',
  ),
  ELASTICSEARCH_URL: optional(
    elasticsearchUrl,
    'Elasticsearch 8 or 9 that gets the log records as well, in an index for each day. What is sent to /v1/logs waits for it on disk.',
  ),
  ELASTICSEARCH_API_KEY: optional(apiKey, 'API key for Elasticsearch, encoded as it hands it out.'),
  ELASTICSEARCH_USERNAME: optional(text, 'User of Elasticsearch; another way than the API key.'),
  ELASTICSEARCH_PASSWORD: optional(password, 'Password of this user.'),
  ELASTICSEARCH_CA: optional(certificates, 'Certificates that are trusted for Elasticsearch instead of those of the system.'),
  ELASTICSEARCH_ILM_POLICY: optional(
    policyName,
    'Life-cycle policy for the day indexes. Then the collector removes none; without it those older than RETENTION_DAYS are.',
  ),
  ES_INDEX_PREFIX: setting(
    indexPrefix,
    'tts-api',
    'The day indexes are called <prefix>-YYYY.MM.DD, the one of dead letters <prefix>-dead-letters.',
  ),
  INGEST_TOKEN: optional(
    tokens,
    'Senders must show one of them as "Authorization: Bearer …". A changed file is read again, without a restart.',
  ),
  READ_TOKEN: optional(
    tokens,
    'Readers of /api must show one of them as "Authorization: Bearer …". A changed file is read again. Without it everybody reads on loopback, elsewhere nobody.',
  ),
  LOG_DB_LEVEL: setting(level, 'DEBUG', 'The mildest log records that are stored; WARNING keeps warnings and worse.'),
  RETENTION_DAYS: setting(days, 30, 'Older days are dropped from the database and from Elasticsearch.', 'days'),
  COLLECTOR_ROLES: setting(
    roles,
    ROLES,
    'What this collector does: store telemetry, decide about alerts. Of several with the second role on one database one decides and the others stand by.',
  ),
  ALERT_RULES: optional(text, 'File with the rules of alerts; it is read again when it changes. Without it the three shipped rules hold.'),
  ALERT_CHECK_INTERVAL: setting(seconds, 30, 'Time between two looks at all rules.', 's'),
  SLACK_WEBHOOK_URL: optional(receiverUrl, 'Incoming webhook of Slack; the channel "slack" of alert rules.'),
  ALERT_WEBHOOK_URL: optional(receiverUrl, 'Address that alerts are posted to as JSON; the channel "webhook".'),
  ALERT_WEBHOOK_FORMAT: setting(
    bodyFormat,
    'alertmanager',
    'Body of the webhook: what Alertmanager sends (version 4), or the short {rule, severity, message, metrics, timestamp}.',
  ),
  ALERT_WEBHOOK_SECRET: optional(webhookSecrets, 'Signs what is posted to ALERT_WEBHOOK_URL, after Standard Webhooks.'),
  SMTP_URL: optional(smtpUrl, 'Server that takes the mails of the channel "email".'),
  ALERT_EMAIL_FROM: optional(mailAddress, 'Sender of these mails.'),
  ALERT_EMAIL_TO: optional(mailAddresses, 'Who gets them. Nobody else is ever written to.'),
  ERROR_WEBHOOK_URL: optional(
    receiverUrl,
    'Gets every CRITICAL log record and the first ERROR of each kind at once: as a Slack message at an address of Slack, otherwise as JSON.',
  ),
  ALERT_ALLOW_PRIVATE: optional(
    addressRanges,
    'Private networks that alerts may be sent to, on any port and also without TLS. Without it only public servers with TLS are reached.',
  ),
  ALERT_ALLOW_PORTS: optional(ports, 'Ports of public servers that alerts may be sent to beside 443 (e-mail: beside 25, 465, 587, 2525).'),
  HTTPS_PROXY: optional(proxyUrl, 'Proxy for alerts that leave by https; lower case wins.'),
  NO_PROXY: optional(text, 'Hosts to reach without it: names, .suffixes, host:port, separated by commas, or *; lower case wins.'),
}

function setting<T>(type: SettingType<T>, fallback: T, doc: string, unit?: string): CollectorSetting<T> {
  return { type, fallback, doc, ...(unit === undefined ? {} : { unit }) }
}

/** A setting without a default. */
function optional<T>(type: SettingType<T>, doc: string): CollectorSetting<T | undefined> {
  return setting<T | undefined>(type, undefined, doc)
}

function readAddress(value: string): Address | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([\w.-]+)):(\d{1,5})$/i.exec(value)
  const port = Number(match?.[3])
  const host = match?.[1] ?? match?.[2]
  return host !== undefined && port <= 65_535 ? { host, port } : undefined
}

function readWhole(value: string, max: number): number | undefined {
  const count = Number(value)
  return /^\d+$/.test(value) && count >= 1 && count <= max ? count : undefined
}

/** Texts with commas between them; undefined when one of them is wrong. */
function readList<T>(value: string, read: (text: string) => T | undefined): readonly T[] | undefined {
  const items = value.split(',').map((text) => read(text.trim()))
  const valid = items.filter((item) => item !== undefined)
  return valid.length === items.length ? valid : undefined
}

function readReceiverUrl(value: string): string | undefined {
  const url = URL.parse(value)
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '' ? value : undefined
}

function readElasticsearchUrl(value: string): string | undefined {
  const url = URL.parse(value)
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined
  return url.username === '' && url.password === '' && url.search === '' && url.hash === '' ? value : undefined
}
