import { LEVELS, type Level, parseLevel } from './level.ts'

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

const text: SettingType<string> = { expects: 'a text', read: (value) => value }
const token: SettingType<string> = {
  expects: 'a token of visible ASCII characters without spaces',
  read: (value) => (/^[\x21-\x7e]+$/.test(value) ? value : undefined),
  secret: true,
}
const address: SettingType<Address> = { expects: 'host:port, for example 127.0.0.1:4318 or [::1]:4318', read: readAddress }
const databaseUrl: SettingType<string> = {
  expects: 'a URL like postgres://user:password@host:5432/database',
  read: (value) => (/^postgres(ql)?:$/.test(URL.parse(value)?.protocol ?? '') ? value : undefined),
  secret: true,
}
const level: SettingType<Level> = { expects: LEVELS.join(', '), read: parseLevel }
const days: SettingType<number> = { expects: `a whole number from 1 to ${RETENTION_DAYS_MAX}`, read: readDays }

/** What the variables hold once they are read. */
export type CollectorSettings = {
  readonly COLLECTOR_LISTEN: Address
  readonly COLLECTOR_DATA_DIR: string
  readonly DATABASE_URL: string | undefined
  readonly DATABASE_ADMIN_URL: string | undefined
  readonly INGEST_TOKEN: string | undefined
  readonly READ_TOKEN: string | undefined
  readonly LOG_DB_LEVEL: Level
  readonly RETENTION_DAYS: number
}

/** Every variable the collector reads. `config.ts` reads them, the documentation is written from them. */
export const COLLECTOR_SETTINGS: { readonly [Name in keyof CollectorSettings]: CollectorSetting<CollectorSettings[Name]> } = {
  COLLECTOR_LISTEN: setting(
    address,
    { host: '127.0.0.1', port: 4318 },
    'Address and port to listen on. Another address than loopback needs INGEST_TOKEN. Port 0 takes a free one.',
  ),
  COLLECTOR_DATA_DIR: setting(text, '.data', 'Folder of the embedded database that is used without DATABASE_URL.'),
  DATABASE_URL: optional(
    databaseUrl,
    'PostgreSQL to store in. Without it an embedded PGlite is used: for development, not durable against power loss.',
  ),
  DATABASE_ADMIN_URL: optional(
    databaseUrl,
    'The same database as the owner of its tables, for migrations and partitions. Without it DATABASE_URL does both.',
  ),
  INGEST_TOKEN: optional(token, 'Senders must show it as "Authorization: Bearer …".'),
  READ_TOKEN: optional(token, 'Readers of /api must show it as "Authorization: Bearer …".'),
  LOG_DB_LEVEL: setting(level, 'DEBUG', 'The mildest log records that are stored; WARNING keeps warnings and worse.'),
  RETENTION_DAYS: setting(days, 30, 'Older days are dropped from the database.', 'days'),
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

function readDays(value: string): number | undefined {
  const count = Number(value)
  return /^\d+$/.test(value) && count >= 1 && count <= RETENTION_DAYS_MAX ? count : undefined
}
