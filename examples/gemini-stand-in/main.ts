import { parseArgs } from 'node:util'
import { createGeminiStandIn, STAND_IN_KEY } from './server.ts'

const HELP = `A stand-in for Gemini's speech models on 127.0.0.1; README.md lists its modes.

  node main.ts [--port 8787] [--time-scale 1] [--api-key ${STAND_IN_KEY}]

  --port        0 takes a free one
  --time-scale  factor on every wait: 1 is as slow as Gemini
`

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8787' },
    'time-scale': { type: 'string', default: '1' },
    'api-key': { type: 'string', default: STAND_IN_KEY },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) {
  process.stdout.write(HELP)
} else {
  await serve({ port: Number(values.port), timeScale: Number(values['time-scale']), apiKey: values['api-key'] })
}

async function serve({ port, timeScale, apiKey }: { port: number; timeScale: number; apiKey: string }): Promise<void> {
  if (!(timeScale >= 0)) return fail('--time-scale must be a number from 0, as in --time-scale 0.1')
  if (!Number.isInteger(port) || port < 0 || port > 65_535) return fail('--port must be a whole number from 0 to 65535')
  const standIn = createGeminiStandIn({ apiKey, timeScale })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void standIn.stop())
  try {
    const { url } = await standIn.listen(port)
    process.stdout.write(`stand-in Gemini listens on ${url}\n`)
  } catch (error) {
    fail(isBusy(error) ? `port ${port} is taken; choose another with --port, or --port 0 for a free one` : String(error))
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
}

function fail(message: string): void {
  process.stderr.write(`stand-in Gemini: ${message}\n`)
  process.exitCode = 2
}
