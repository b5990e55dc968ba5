import { readFileSync } from 'node:fs'
import { stringify } from 'yaml'
import { parseRules } from '../alert/parse-rules.ts'
import { exportToPrometheus } from '../alert/prometheus/rules.ts'
import type { CommandResult } from './command.ts'
import { readWords } from './words.ts'

const HELP = `tts-otel-collector alerts export FILE [--inhibit-rules]

Writes the rules of a file as a rule file of Prometheus, to stdout. A rule that cannot be said there is
left out and told of; docs/alerting.md tells which can.

  --inhibit-rules    writes instead what the configuration of Alertmanager needs, so that critical
                     alerts keep their milder ones quiet

Exit codes: 0 every rule is there, 1 one is not, or the file is wrong, 2 wrong usage.
`

/** Writes rules for Prometheus. */
export function runAlertsExport(words: readonly string[]): CommandResult {
  const { plain, options, problem } = readWords(words, { help: 'flag', 'inhibit-rules': 'flag' })
  if (options.help) return { code: 0, stdout: HELP }
  const [file, ...others] = plain
  const wrong = problem ?? (file === undefined ? 'which file?' : others.length > 0 ? 'one file at a time' : undefined)
  if (wrong !== undefined || file === undefined) return { code: 2, stderr: `tts-otel-collector alerts export: ${wrong}\n\n${HELP}` }
  const parsed = parseRules(readFileSync(file, 'utf8'), { file })
  if (parsed.problems.length > 0) return { code: 1, stderr: parsed.problems.map((line) => `${line}\n`).join('') }
  const { rules, inhibitRules, refused } = exportToPrometheus(parsed.rules)
  const content = options['inhibit-rules'] ? { inhibit_rules: inhibitRules } : { groups: [{ name: 'tts-otel', rules }] }
  return {
    code: refused.length > 0 ? 1 : 0,
    stdout: stringify(content, { lineWidth: 0 }),
    stderr: refused.map((line) => `${file}: not exported: ${line}\n`).join(''),
  }
}
