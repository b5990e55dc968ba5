/**
 * The collector as a program. One line on stdout when it takes data; trouble on stderr, one message each.
 * Exit codes: 0 stopped as asked, 1 could not start or had to cut something off, 2 wrong settings.
 */
import { type Collector, createCollector, type Store } from './app.ts'
import type { Command } from './cli/command.ts'
import { type CollectorConfig, processCollectorConfig, splitArguments } from './config.ts'
import { isLoopback } from './loopback.ts'
import { COLLECTOR_SETTINGS } from './settings.ts'

const NAME = 'tts-otel-collector'

/** What it writes is for its own user: rows of the embedded database, queues, dead letters. */
process.umask(0o077)

/** What the program does beside serving, loaded when it is asked for. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  alerts: async () => (await import('./cli/alerts.ts')).runAlerts,
  'dead-letters': async () => (await import('./cli/dead-letters.ts')).deadLetters,
  erase: async () => (await import('./cli/erase.ts')).erase,
  healthcheck: async () => (await import('./cli/healthcheck.ts')).healthcheck,
}

await main(process.argv.slice(2))

async function main(words: readonly string[]): Promise<void> {
  const [name = '', ...rest] = splitArguments(words).others
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (load !== undefined) return await runCommand(await load(), name, rest)
  if (words.includes('--help') || words.includes('-h')) {
    process.stdout.write(help())
    return
  }
  if (typeof Promise.withResolvers !== 'function') return complain(`needs Node 22.15 or later, and this is ${process.version}.`, 1)
  const { config, problems } = processCollectorConfig(words)
  if (problems.length > 0)
    return complain(`cannot start, the settings are wrong:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`, 2)
  try {
    await run(config)
  } catch (error) {
    complain(`cannot start. ${error instanceof Error ? error.message : error}`, 1)
  }
}

async function runCommand(command: Command, name: string, words: readonly string[]): Promise<void> {
  try {
    const { code, stdout = '', stderr = '' } = await command({ words, configure })
    process.stderr.write(stderr)
    process.stdout.write(stdout)
    process.exitCode = code
  } catch (error) {
    complain(`${name}: ${error instanceof Error ? error.message : error}`, 1)
  }
}

function configure(): CollectorConfig {
  const { config, problems } = processCollectorConfig()
  if (problems.length > 0) throw new Error(`the settings are wrong:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`)
  return config
}

async function run(config: CollectorConfig): Promise<void> {
  const collector = createCollector(config)
  const stopping = stopOnSignals(collector)
  try {
    announce(await collector.start(), config)
  } catch (error) {
    // Stopped while it started: the start fails for that, and the stop ends the process.
    if (!stopping.aborted) throw error
  }
}

/** The second signal does not wait: whoever sends it has waited already. */
function stopOnSignals(collector: Collector): AbortSignal {
  const stopping = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, async () => {
      if (stopping.signal.aborted) process.exit(1)
      stopping.abort()
      // A worker or a connection that hangs must not keep the process.
      process.exit((await collector.stop()) ? 0 : 1)
    })
  return stopping.signal
}

function announce({ url, store }: { readonly url: string; readonly store: Store }, config: CollectorConfig): void {
  process.stdout.write(`${NAME}: listening on ${url}, storing in ${describe(store, config)}\n`)
  if (!isLoopback(config.listen.host) && config.tls === undefined)
    process.stderr.write(
      `${NAME}: other machines reach ${url} without TLS: who listens on the way reads tokens and records. Set COLLECTOR_TLS_CERT and COLLECTOR_TLS_KEY, or put something in front that speaks TLS.\n`,
    )
  if (store.problem !== undefined)
    process.stderr.write(`${NAME}: the database does not answer (${store.problem}). Senders are told to try again; connecting goes on.\n`)
}

function describe({ kind }: Store, { database, stores, elasticsearch }: CollectorConfig): string {
  const second =
    !stores || elasticsearch === undefined
      ? ''
      : `, log records also in Elasticsearch at ${elasticsearch.url} (${elasticsearch.indexPrefix}-*)`
  if (kind === 'pglite')
    return `an embedded PGlite under ${database.dataDir} (for development: not durable against power loss; set DATABASE_URL for production)${second}`
  const url = URL.parse(database.url ?? '')
  return `PostgreSQL at ${url?.host}${url?.pathname}${second}`
}

function complain(message: string, exitCode: number): void {
  process.stderr.write(`${NAME}: ${message}\n`)
  process.exitCode = exitCode
}

function help(): string {
  const rows = Object.entries(COLLECTOR_SETTINGS).map(([name, { doc, fallback, type }]) => {
    const shown = typeof fallback === 'object' && 'host' in fallback && 'port' in fallback ? `${fallback.host}:${fallback.port}` : fallback
    return `  ${name}${shown === undefined ? '' : `=${shown}`}\n      ${doc}${type.secret ? ` ${name}_FILE names a file with it.` : ''}\n`
  })
  return `${NAME}: receives OTLP/HTTP and stores it in PostgreSQL (log records in Elasticsearch as well), with an HTTP API to read it back.\n\nCommands (each with --help):\n  alerts         checks, tests, explains and exports rules of alerts\n  dead-letters   shows, sends again or removes what a store could never take\n  erase          removes a person from the stores\n  healthcheck    asks whether the collector here lives, for probes\n\n${NAME} --config FILE reads settings from YAML: each variable without COLLECTOR_, in camelCase (databaseUrl); variables win.\n\nSettings (environment):\n${rows.join('')}`
}
