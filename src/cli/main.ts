/**
 * `npx tts-otel`: one command a file, loaded when it is asked for. Exit codes: 0 as asked, 1 a problem was found, 2 wrong usage.
 */
import { VERSION } from '../resource.ts'

/** What a command says and the exit code of the process. */
export type CommandResult = { readonly code: number; readonly stdout?: string; readonly stderr?: string }

const HELP = `npx tts-otel <command>

  doctor            finds out why telemetry does not arrive
  logs              shows log records that the collector has stored
  logs rotate DIR   compresses old log files, keeps the newest archives
  trace ID          shows the trace of a request

npx tts-otel <command> --help tells more.
`

await main(process.argv.slice(2))

async function main([name, ...words]: readonly string[]): Promise<void> {
  if (name === 'doctor-probe') return await (await import('./doctor/probe.ts')).runProbe()
  end(await run(name, words))
}

async function run(name: string | undefined, words: readonly string[]): Promise<CommandResult> {
  try {
    if (name === 'doctor') return await (await import('./doctor.ts')).runDoctor(words)
    if (name === 'logs' && words[0] === 'rotate') return await (await import('./logs-rotate.ts')).runLogsRotate(words.slice(1))
    if (name === 'logs') return await (await import('./logs.ts')).runLogs(words)
    if (name === 'trace') return await (await import('./trace.ts')).runTrace(words)
  } catch (error) {
    return { code: 1, stderr: `tts-otel ${name}: ${error instanceof Error ? error.message : error}\n` }
  }
  if (name === '--help' || name === '-h') return { code: 0, stdout: HELP }
  if (name === '--version') return { code: 0, stdout: `${VERSION}\n` }
  return { code: 2, stderr: `tts-otel: ${name === undefined ? 'which command?' : `there is no command "${name}"`}\n\n${HELP}` }
}

/** Ends at once when all is written: a connection that hangs must not hold the process. A reader that has gone (`| head`) is no fault. */
function end({ code, stdout = '', stderr = '' }: CommandResult): void {
  const exit = () => process.exit(code)
  process.stdout.on('error', exit)
  process.stderr.on('error', exit)
  process.stderr.write(stderr, () => process.stdout.write(stdout, exit))
}
