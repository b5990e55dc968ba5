/**
 * CPU of one log call with ten fields, as a JSON line to a file, ours (redacted) and pino's (10, synchronous, without and with redaction).
 *
 *   npm run bench:log -- [rounds, default 7]
 *
 * Each round starts one process for each set-up, in turn. `call` is the CPU time of the process during the calls, `all` includes what
 * comes later: encoding and sending to a counting OTLP server, which is another process.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { figure, table, tellResults, words } from './results.ts'
import { median } from './setups.ts'

type Setup = { readonly name: string; readonly flags: readonly string[]; readonly env: Readonly<Record<string, string>> }
type Measured = { readonly callUs: number; readonly allUs: number; readonly sent?: number; readonly dropped?: number }

/** What the app logs, its warm-up included. */
const LINES = 150_000

const rounds = Number(words[0] ?? 7)
const app = fileURLToPath(new URL('apps/log.mjs', import.meta.url))
const register = fileURLToPath(new URL('../register.js', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'bench-log-'))
const file = join(directory, 'app.log')
const collector = await startCollector()

const setups: readonly Setup[] = [
  { name: 'tts-otel', flags: [], env: ours('file') },
  { name: 'tts-otel, and an OTLP record', flags: ['--import', register], env: ours('file, otlp') },
  {
    name: 'the same, the queue full',
    flags: ['--import', register],
    env: { ...ours('file, otlp'), OTEL_BLRP_MAX_QUEUE_SIZE: '16', OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: '16' },
  },
  { name: 'pino', flags: [], env: { BENCH_LOGGER: 'pino', BENCH_FILE: file } },
  {
    name: 'pino, six wildcard paths',
    flags: [],
    env: {
      BENCH_LOGGER: 'pino',
      BENCH_FILE: file,
      BENCH_REDACT: ['password', 'token', 'secret', 'authorization', 'cookie', 'api_key'].map((name) => `*.${name}`).join(),
    },
  },
]

const measured = new Map<Setup, Measured[]>(setups.map((setup) => [setup, []]))
for (let round = 0; round < rounds; round++) for (const setup of setups) measured.get(setup)!.push(await measure(setup))

const middle = (values: readonly Measured[], of: 'callUs' | 'allUs') => median(values.map((value) => value[of]))
const pinoUs = middle(measured.get(setups.find(({ name }) => name === 'pino')!)!, 'callUs')
const rows = [...measured].map(([{ name }, values]) => {
  const callUs = middle(values, 'callUs')
  return [name, figure(callUs, 2), figure(callUs / pinoUs, 2), figure(middle(values, 'allUs'), 2), deliveredOf(values)]
})
tellResults({
  title: 'A log call',
  script: 'bench:log',
  text: `CPU of one call with ten fields, as a JSON line to a file, 100,000 calls in bursts of 500, median of ${rounds} alternating rounds, in µs. \`all\` also has what comes later: encoding, sending to another process. Ours is redacted at any depth, pino (${versionOfPino()}, synchronous) not at all, or by six wildcard paths.

${table(['set-up', 'call, µs', 'of pino', 'all, µs', 'records delivered'], rows)}`,
})
await collector.close()
rmSync(directory, { recursive: true })

/** Of all that was logged for the collector, the warm-up included; nothing where no collector is asked. */
function deliveredOf(values: readonly Measured[]): string {
  const sum = (of: 'sent' | 'dropped') => values.reduce((total, value) => total + (value[of] ?? 0), 0)
  return sum('sent') === 0 ? '' : `${figure(sum('sent'))}, dropped and counted ${figure(sum('dropped'))}`
}

function versionOfPino(): string {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).devDependencies.pino
}

/** A `logging.yaml` with these sinks, and every call as one batch, so that nothing waits for others. */
function ours(sinks: string): Setup['env'] {
  const path = join(directory, `${sinks.replace(', ', '-')}.yaml`)
  writeFileSync(
    path,
    `handlers: {file: {class: file, format: json, filename: ${file}, maxBytes: 0}, otlp: {class: otlp}}\nroot: {level: INFO, handlers: [${sinks}]}\n`,
  )
  return {
    BENCH_LOGGER: 'tts-otel',
    TTS_OTEL_LOGGING_CONFIG: path,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: '500',
  }
}

async function measure({ flags, env }: Setup): Promise<Measured> {
  rmSync(file, { force: true })
  const child = spawn(process.execPath, [...flags, app], {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  for await (const chunk of child.stdout.setEncoding('utf8')) output += chunk
  const lines = readFileSync(file, 'utf8').split('\n').length - 1
  if (lines !== LINES) throw new Error(`${lines} of ${LINES} lines are in the file`)
  return JSON.parse(output)
}

async function startCollector() {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end())
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise<void>((closed) => void server.close(() => closed()).closeAllConnections()),
  }
}
