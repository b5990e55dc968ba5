import type { CommandOptions, CommandResult } from './command.ts'

const HELP = `tts-otel-collector alerts <command>

  check FILE            says what is wrong with a rule file, and what it does
  test TESTS            runs tests of rules, without waiting
  explain NAME          tells why a rule fires or does not, with the last values
  test-fire NAME        sends a test to the channels of a rule
  export FILE           writes rules for Prometheus

tts-otel-collector alerts <command> --help tells more.
`

/** `tts-otel-collector alerts …`: one command a file, loaded when it is asked for. Never throws. */
export async function runAlerts({ words: [name, ...words] }: Pick<CommandOptions, 'words'>): Promise<CommandResult> {
  try {
    if (name === 'check') return (await import('./alerts-check.ts')).runAlertsCheck(words)
    if (name === 'test') return (await import('./alerts-test.ts')).runAlertsTest(words)
    if (name === 'test-fire') return await (await import('./alerts-test-fire.ts')).runAlertsTestFire(words)
    if (name === 'export') return (await import('./alerts-export.ts')).runAlertsExport(words)
    if (name === 'explain') return await (await import('./alerts-explain.ts')).runAlertsExplain(words)
  } catch (error) {
    return { code: 1, stderr: `tts-otel-collector alerts ${name}: ${error instanceof Error ? error.message : error}\n` }
  }
  if (name === '--help' || name === '-h') return { code: 0, stdout: HELP }
  return {
    code: 2,
    stderr: `tts-otel-collector alerts: ${name === undefined ? 'which command?' : `there is no command "${name}"`}\n\n${HELP}`,
  }
}
