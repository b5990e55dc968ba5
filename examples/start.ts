/** `npm start`: everything at once on this machine, and what comes out. */
import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { runDemo } from './demo/run.ts'

const HELP = `npm start [-- --once] [--json] [--database]

Starts the collector, a text-to-speech API and a stand-in for Gemini (the real one when GEMINI_API_KEY is set),
sends traffic with failures in it, and shows the telemetry that came out. Serves until Ctrl-C.

  --once   ends by itself; exit code 1 when anything did not arrive
  --json   one JSON object on stdout, and the rest on stderr (with --once; npm start --silent)
  --database
           stores in the PostgreSQL of DATABASE_URL; without it in an embedded one in .data, whatever that says
`

/** What `register.js` loads. */
const BUNDLE = new URL('../dist/register.js', import.meta.url)

/** npm hands a Ctrl-C on to us although the terminal has sent it already; what comes later is meant. */
const ECHO_MS = 1_000

const stopping = new AbortController()
let stoppedAtMs = 0
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (stopping.signal.aborted && Date.now() - stoppedAtMs > ECHO_MS) process.exit(130)
    if (!stopping.signal.aborted) stoppedAtMs = Date.now()
    stopping.abort()
  })
}

// Whoever read along has left (`npm start | head`): there is nobody to serve.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => stopping.abort())

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  let once = false
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        once: { type: 'boolean' },
        json: { type: 'boolean' },
        database: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    if (values.help) return say(HELP, 0)
    once = values.once === true
    if (values.json && !once) return say('--json needs --once: npm start --silent -- --once --json\n', 2)
    if (values.database && !process.env.DATABASE_URL) return say('--database needs DATABASE_URL, the PostgreSQL to store in\n', 2)
    if (!existsSync(BUNDLE)) return say('There is no dist/ yet: run npm run build (npm ci does it by itself).\n', 2)
    const { stdout: output, stderr: messages } = process
    // A DATABASE_URL that is in the shell for another reason gets no traffic that we made up.
    const env = values.database ? process.env : { ...process.env, DATABASE_URL: undefined }
    const problems = await runDemo({ once, json: values.json === true, env, output, messages, signal: stopping.signal })
    return problems.length === 0 ? 0 : say(`\nNot as it should be:\n${problems.map((problem) => `- ${problem}\n`).join('')}`, 1)
  } catch (error) {
    if (stopping.signal.aborted) return once ? 130 : 0
    return say(`\n${error instanceof Error ? error.message : error}\n`, 1)
  }
}

function say(text: string, exitCode: number): number {
  process.stderr.write(text)
  return exitCode
}
