import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parseRules } from '../alert/parse-rules.ts'
import { parseRuleTests } from '../alert/rule-test.ts'
import { runRuleTest } from '../alert/run-rule-test.ts'
import type { CommandResult } from './command.ts'
import { type FileResult, runOnFiles } from './on-files.ts'

const HELP = `tts-otel-collector alerts test TESTS...

Runs tests of rules, without waiting: what signals say over time, and which states and notifications are
to come of it. The file has the names of promtool test rules; docs/alerting.md has an example.

Exit codes: 0 all pass, 1 something came otherwise, 2 wrong usage.
`

/** Runs test files and says what came otherwise than expected. */
export function runAlertsTest(words: readonly string[]): CommandResult {
  return runOnFiles(words, { command: 'alerts test', help: HELP, between: '', look: testFile })
}

function testFile(file: string): FileResult {
  const { ruleFiles, tests, problems, describe } = parseRuleTests(readFileSync(file, 'utf8'), file)
  const [ruleFile] = ruleFiles
  if (problems.length > 0 || ruleFile === undefined) return { text: '', problems }
  const path = resolve(dirname(file), ruleFile)
  const parsed = parseRules(readFileSync(path, 'utf8'), { file: path })
  if (parsed.problems.length > 0) return { text: '', problems: parsed.problems }
  const results = tests.map((test) => ({ test, wrong: runRuleTest(parsed.rules, test) }))
  const failed = results.filter(({ wrong }) => wrong.length > 0)
  return {
    text: `${file}: ${tests.length} test${tests.length === 1 ? '' : 's'}, ${failed.length === 0 ? 'all pass' : `${failed.length} failed`}\n`,
    problems: results.flatMap(({ test, wrong }) => wrong.map(({ path: place, message }) => describe(place, `${test.name}: ${message}`))),
  }
}
