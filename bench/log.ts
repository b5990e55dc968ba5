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
import { median } from './setups.ts'

type Setup = { readonly name: string; readonly flags: readonly string[]; readonly env: Readonly<Record<string, string>> }
type Measured = { readonly callUs: number; readonly allUs: number; readonly sent?: number; readonly dropped?: number }

/** What the app logs, its warm-up included. */
const LINES = 150_000

const rounds = Number(process.argv[2] ?? 7)
const app = fileURLToPath(new URL('apps/log.mjs', import.meta.url))
const register = fileURLToPath(new URL('../register.js', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'bench-log-'))
const file = join(directory, 'app.log')
const collector = await startCollector()

const setups: readonly Setup[] = [
  { name: 'tts-otel', flags: [], env: ours('file') },
  { name: 'tts-otel, and OTLP', flags: ['--import', register], env: ours('file, otlp') },
  {
    name: 'the same, queue full',
    flags: ['--import', register],
    env: { ...ours('file, otlp'), OTEL_BLRP_MAX_QUEUE_SIZE: '16', OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: '16' },
  },
  { name: 'pino', flags: [], env: { BENCH_LOGGER: 'pino', BENCH_FILE: file } },
  {
    name: 'pino, 6 wildcard paths',
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

console.log(`CPU of a log call with ten fields, JSON to a file, Node ${process.version}, median of ${rounds} alternating rounds`)
for (const [{ name }, values] of measured) {
  const of = (pick: (value: Measured) => number) => median(values.map(pick)).toFixed(2).padStart(6)
  const sent = values.reduce((sum, value) => sum + (value.sent ?? 0), 0)
  const dropped = values.reduce((sum, value) => sum + (value.dropped ?? 0), 0)
  const delivered = sent > 0 ? `  delivered ${sent}, dropped ${dropped}` : ''
  console.log(`${name.padEnd(24)} call ${of(({ callUs }) => callUs)} µs  all ${of(({ allUs }) => allUs)} µs${delivered}`)
}
await collector.close()
rmSync(directory, { recursive: true })

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
