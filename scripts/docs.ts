/** Writes `docs/configuration.md` from the tables of settings: `npm run docs`. A test compares the two. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { configKey } from '../collector/src/config-file.ts'
import { COLLECTOR_SETTINGS } from '../collector/src/settings.ts'
import { OTLP_SETTINGS, SECTIONS } from '../src/settings.ts'

const DOCUMENT = fileURLToPath(new URL('../docs/configuration.md', import.meta.url))

/** A row of either table. */
type Row = {
  readonly type: { readonly expects: string; readonly secret?: true }
  readonly fallback: unknown
  readonly doc: string
  readonly unit?: string
}

/** The whole document. */
export function configurationDocument(): string {
  const sections = SECTIONS.flatMap(({ title, settings }) =>
    // The connection has its own names: four forms each, of which the table shows the general one.
    settings === OTLP_SETTINGS
      ? ['', `### ${title}`, '', OTLP_NOTE, '', ...table(settings, 'OTEL_EXPORTER_OTLP_')]
      : ['', `### ${title}`, '', ...table(settings)],
  )
  return [HEAD, ...sections, '', '## The collector', '', COLLECTOR_NOTE, '', ...collectorTable(), ''].join('\n')
}

const HEAD = `# Configuration

<!-- Written by npm run docs from src/settings.ts and collector/src/settings.ts; changes here are lost. -->

Everything is set by environment variables. An empty variable is an unset one.

## The SDK

A wrong value never stops the app: one message on stderr lists all of them, and each takes its default; \`TTS_OTEL_STRICT=1\` makes them fatal.

Not supported: \`grpc\` (use \`http/protobuf\` and the HTTP port of your collector, usually 4318), \`OTEL_CONFIG_FILE\` (use the variables below), and metrics that are not cumulative.`

const OTLP_NOTE =
  'Each also for one signal, which wins: `OTEL_EXPORTER_OTLP_TRACES_TIMEOUT`, `OTEL_EXPORTER_OTLP_METRICS_TIMEOUT`, `OTEL_EXPORTER_OTLP_LOGS_TIMEOUT`.'

const COLLECTOR_NOTE = `With a wrong value the collector does not start. A secret can come from a file instead: \`NAME_FILE\` holds the path (\`INGEST_TOKEN_FILE=/run/secrets/token\`).

Settings can also stand in a file, \`npx tts-otel-collector --config collector.yaml\` (YAML or JSON), by the key in the second column; what can be several may be a list. A variable wins over the file. A key that is not known is an error. \`erase\`, \`dead-letters\`, \`healthcheck\` and \`alerts\` take \`--config\` too.

\`\`\`yaml
listen: 127.0.0.1:4318
databaseUrl: postgres://tts_otel_writer@db/telemetry
ingestTokenFile: /run/secrets/ingest
retentionDays: 14
smtpUrl: smtps://mail.example.org
alertEmailFrom: tts-otel@example.org
alertEmailTo: [ann@example.org, bob@example.org]
\`\`\``

function table(settings: Readonly<Record<string, Row>>, prefix = ''): string[] {
  const rows = Object.entries(settings).map(
    ([name, row]) => `| \`${prefix}${name}\` | ${allowed(row)} | ${defaultOf(row)} | ${cell(row.doc)} |`,
  )
  return ['| variable | value | default | meaning |', '|---|---|---|---|', ...rows]
}

function collectorTable(): string[] {
  const [, , ...rows] = table(COLLECTOR_SETTINGS)
  const keyed = rows.map((row) => row.replace(/^\| `(\w+)` \|/, (start, name: string) => `${start} \`${configKey(name)}\` |`))
  return ['| variable | in a file | value | default | meaning |', '|---|---|---|---|---|', ...keyed]
}

function allowed({ type, unit }: Row): string {
  return cell(`${type.expects}${unit === undefined ? '' : `, ${unit}`}${type.secret ? ' (secret)' : ''}`)
}

function defaultOf({ fallback, unit }: Row): string {
  if (fallback === undefined) return '–'
  if (Array.isArray(fallback)) return `\`${fallback.join(',')}\``
  if (typeof fallback !== 'object' || fallback === null) return `\`${fallback}\`${unit === undefined ? '' : ` ${unit}`}`
  const parts = Object.values(fallback)
  return parts.length === 0 ? '–' : `\`${parts.join(':')}\``
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(DOCUMENT, configurationDocument())
