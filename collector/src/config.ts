/** PARSE: strings -> CollectorConfig. The only file of the collector that reads the environment; what may stand there is in `settings.ts`. */
import { readFileSync } from 'node:fs'
import { type AccessConfig, judgeTokens, type TokenConfig } from './access.ts'
import { type AlertsConfig, readAlerts } from './alerts-config.ts'
import { configKey, parseConfigFile } from './config-file.ts'
import type { Level } from './level.ts'
import { isLoopback } from './loopback.ts'
import { type NotifyConfig, readNotify } from './notify-config.ts'
import { type Address, COLLECTOR_SETTINGS, type SettingsGetter } from './settings.ts'
import { judgeTls, type TlsConfig } from './tls.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Everything the collector can be told, parsed and frozen. */
export type CollectorConfig = {
  readonly listen: Address
  readonly database: {
    readonly url: string | undefined
    readonly adminUrl: string | undefined
    readonly readUrl: string | undefined
    readonly dataDir: string
  }
  readonly elasticsearch: ElasticsearchConfig | undefined
  readonly queueBytesMax: number
  readonly access: AccessConfig
  /** undefined: plain HTTP. */
  readonly tls: TlsConfig | undefined
  readonly logLevel: Level
  readonly retentionDays: number
  readonly notify: NotifyConfig
  /** Whether telemetry is kept. */
  readonly stores: boolean
  readonly alerts: AlertsConfig | undefined
}

/** The second store of log records. One of `apiKey` and `username` at most. */
export type ElasticsearchConfig = {
  readonly url: string
  readonly apiKey: string | undefined
  readonly username: string | undefined
  readonly password: string | undefined
  readonly ca: string | undefined
  readonly indexPrefix: string
  readonly ilmPolicy: string | undefined
}

/** A config, complete, and one sentence for each thing that is wrong: what, its value unless secret, what is allowed. Start only without problems. */
export type ParsedCollectorConfig = { readonly config: CollectorConfig; readonly problems: readonly string[] }

export type ParseCollectorOptions = {
  /** Text of a file that a variable names; throws when there is none. Default: from disk. */
  readonly readFile?: (path: string) => string
  /** ms since 1970. Default: the clock. */
  readonly now?: () => number
}

/**
 * Reads `env` and the words of the command line: `--config FILE` names a file with settings, over which those of `env` win.
 * Empty means unset. Never throws.
 */
export function parseCollectorConfig(
  given: Environment,
  argv: readonly string[] = [],
  { readFile = readText, now = Date.now }: ParseCollectorOptions = {},
): ParsedCollectorConfig {
  const { path, others } = splitArguments(argv)
  const problems = others.map((word) => `${word} is no option: there is --config FILE, and the variables that --help lists`)
  const file = path === undefined ? NO_FILE : readConfigFile(path, { problems, readFile })
  const env = mergeSettings(file, withLowerCaseProxies(given))
  const isOfFile = (name: string) => path !== undefined && file[name] !== undefined && env[name] === file[name]
  const label = (name: string, shown = '') => (isOfFile(name) ? `${configKey(name)}${shown} in ${path}` : `${name}${shown}`)
  const get = createGetter({ env, problems, readFile, label })
  const [notify, roles] = [readNotify(get, problems), get('COLLECTOR_ROLES')]
  const config: CollectorConfig = Object.freeze({
    listen: Object.freeze(get('COLLECTOR_LISTEN')),
    database: Object.freeze({
      url: get('DATABASE_URL'),
      adminUrl: get('DATABASE_ADMIN_URL'),
      readUrl: get('DATABASE_READ_URL'),
      dataDir: get('COLLECTOR_DATA_DIR'),
    }),
    elasticsearch: readElasticsearch(get, problems),
    queueBytesMax: get('COLLECTOR_QUEUE_MAX_MB') * 2 ** 20,
    access: { ingest: readTokens('INGEST_TOKEN', get, env), read: readTokens('READ_TOKEN', get, env) },
    tls: readTls(get, { problems, readFile, nowMs: now() }),
    logLevel: get('LOG_DB_LEVEL'),
    retentionDays: get('RETENTION_DAYS'),
    notify,
    stores: roles.includes('store'),
    alerts: readAlerts(get, { hasRole: roles.includes('alerts'), notify, problems, readFile }),
  })
  problems.push(...contradictions(config))
  return { config, problems }
}

/** The config of this process; without words with the `--config` of its command line. */
export function processCollectorConfig(argv: readonly string[] = splitArguments(process.argv.slice(2)).config): ParsedCollectorConfig {
  return parseCollectorConfig(process.env, argv)
}

/** `--config FILE` wherever it stands, and the other words. */
export function splitArguments(words: readonly string[]): {
  readonly path: string | undefined
  readonly config: readonly string[]
  readonly others: readonly string[]
} {
  const index = words.findIndex((word) => word === '--config' || word.startsWith('--config='))
  const word = words[index]
  if (word === undefined) return { path: undefined, config: [], others: words }
  const taken = word === '--config' ? words.slice(index, index + 2) : [word]
  const path = word === '--config' ? taken[1] : word.slice('--config='.length)
  // Without a file it is no option, and told as such.
  if (!path) return { path: undefined, config: taken, others: words }
  return { path, config: taken, others: words.filter((_, at) => at < index || at >= index + taken.length) }
}

const NO_FILE: Environment = {}

function readConfigFile(path: string, { problems, readFile }: Pick<Sources, 'problems' | 'readFile'>): Environment {
  const text = readNamed('--config', path, { problems, readFile })
  if (text === undefined) return NO_FILE
  const { values, problems: found } = parseConfigFile(text, path)
  problems.push(...found)
  return values
}

/** A variable wins over the file, a secret in either of its forms over the file's. */
function mergeSettings(file: Environment, env: Environment): Environment {
  const isSet = (name: string) => Boolean(env[name]?.trim())
  const isOver = (name: string) => [name, `${name}_FILE`, name.replace(/_FILE$/, '')].some(isSet)
  return { ...env, ...Object.fromEntries(Object.entries(file).filter(([name]) => !isOver(name))) }
}

type Sources = {
  readonly env: Environment
  readonly problems: string[]
  readonly readFile: (path: string) => string
  /** How a person has called a setting. */
  readonly label: (name: string, shown?: string) => string
}

function createGetter({ env, problems, readFile, label }: Sources): SettingsGetter {
  return function get(name) {
    const { type, fallback } = COLLECTOR_SETTINGS[name]
    const given = type.secret ? readSecret(name, { env, problems, readFile, label }) : env[name]?.trim()
    if (!given) return fallback
    const value = type.read(given)
    if (value === undefined) problems.push(`${label(name, type.secret ? '' : `="${given}"`)} is not ${type.expects}`)
    return value ?? fallback
  }
}

/** The variable, or the text of the file that `NAME_FILE` names: that is how Docker and Kubernetes hand out secrets. */
function readSecret(name: string, { env, problems, readFile, label }: Sources): string | undefined {
  const own = env[name]?.trim()
  const file = env[`${name}_FILE`]?.trim()
  if (!file) return own
  if (own) problems.push(`${label(name)} and ${label(`${name}_FILE`)} are both set; set one of them`)
  const found = readNamed(label(`${name}_FILE`), file, { problems, readFile })?.trim()
  if (found === '') problems.push(`${label(`${name}_FILE`)} names ${file}, which is empty`)
  return found
}

/** The text of a file that a variable names. */
function readNamed(name: string, path: string, { problems, readFile }: Pick<Sources, 'problems' | 'readFile'>): string | undefined {
  try {
    return readFile(path)
  } catch (error) {
    problems.push(`${name} names ${path}, which cannot be read: ${error instanceof Error ? error.message : error}`)
    return undefined
  }
}

function readTokens(name: 'INGEST_TOKEN' | 'READ_TOKEN', get: SettingsGetter, env: Environment): TokenConfig {
  return { tokens: get(name) ?? [], file: env[`${name}_FILE`]?.trim() || undefined }
}

type TlsSources = Pick<Sources, 'problems' | 'readFile'> & { readonly nowMs: number }

function readTls(get: SettingsGetter, { problems, readFile, nowMs }: TlsSources): TlsConfig | undefined {
  const names = ['COLLECTOR_TLS_CERT', 'COLLECTOR_TLS_KEY', 'COLLECTOR_TLS_CLIENT_CA'] as const
  const [certPath, keyPath, clientCaPath] = names.map(get)
  if ((certPath ?? keyPath ?? clientCaPath) === undefined) return undefined
  if (certPath === undefined || keyPath === undefined) {
    problems.push('COLLECTOR_TLS_CERT and COLLECTOR_TLS_KEY belong together, and COLLECTOR_TLS_CLIENT_CA needs both; set both, or none')
    return undefined
  }
  const paths = clientCaPath === undefined ? [certPath, keyPath] : [certPath, keyPath, clientCaPath]
  const texts = paths.map((path, index) => readNamed(names[index]!, path, { problems, readFile }))
  const [cert, key, clientCa] = texts
  if (cert === undefined || key === undefined || texts.includes(undefined)) return undefined
  problems.push(...judgeTls({ cert, key, clientCa }, nowMs))
  return Object.freeze({ cert, key, clientCa, paths })
}

function readElasticsearch(get: SettingsGetter, problems: string[]): ElasticsearchConfig | undefined {
  const url = get('ELASTICSEARCH_URL')
  const config = {
    apiKey: get('ELASTICSEARCH_API_KEY'),
    username: get('ELASTICSEARCH_USERNAME'),
    password: get('ELASTICSEARCH_PASSWORD'),
    ca: get('ELASTICSEARCH_CA'),
    indexPrefix: get('ES_INDEX_PREFIX'),
    ilmPolicy: get('ELASTICSEARCH_ILM_POLICY'),
  }
  const { apiKey, username, password } = config
  if (apiKey !== undefined && username !== undefined)
    problems.push('ELASTICSEARCH_API_KEY and ELASTICSEARCH_USERNAME are both set; set one of them')
  if ((username === undefined) !== (password === undefined))
    problems.push('ELASTICSEARCH_USERNAME and ELASTICSEARCH_PASSWORD belong together; set both, or an ELASTICSEARCH_API_KEY instead')
  if (url === undefined && (apiKey ?? username) !== undefined)
    problems.push('There are credentials for Elasticsearch but no ELASTICSEARCH_URL; set it, or remove them')
  return url === undefined ? undefined : Object.freeze({ url, ...config })
}

function contradictions({ listen, access, tls, database }: CollectorConfig): string[] {
  const problems = judgeTokens(access, { reachable: !isLoopback(listen.host), mutualTls: tls?.clientCa !== undefined })
  for (const [name, url] of [['DATABASE_ADMIN_URL', database.adminUrl] as const, ['DATABASE_READ_URL', database.readUrl] as const])
    if (url !== undefined && database.url === undefined)
      problems.push(`${name} is set but DATABASE_URL is not; set DATABASE_URL, or neither for the embedded database`)
  return problems
}

/** Proxies are usually named in lower case; both spellings count. */
function withLowerCaseProxies(env: Environment): Environment {
  const names = ['HTTPS_PROXY', 'NO_PROXY']
  return { ...env, ...Object.fromEntries(names.map((name) => [name, env[name.toLowerCase()] || env[name]])) }
}

function readText(path: string): string {
  return readFileSync(path, 'utf8')
}
