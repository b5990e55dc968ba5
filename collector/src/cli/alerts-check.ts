import { readFileSync } from 'node:fs'
import { formatDuration } from '../alert/duration.ts'
import { parseRules } from '../alert/parse-rules.ts'
import type { Rule, RuleSet } from '../alert/rule.ts'
import { parseChannels } from '../notify/parse-channels.ts'
import type { CommandResult } from './command.ts'
import { type FileResult, runOnFiles } from './on-files.ts'
import { table } from './words.ts'

const HELP = `tts-otel-collector alerts check FILE...

Says what is wrong with rule files, each with its line, and otherwise what they do. Files that channels
name (url_file, secret_file, …) need not be there: on a machine that only checks, they are not.

Exit codes: 0 nothing is wrong, 1 something is, 2 wrong usage.
`

/** Reads rule files and says what is wrong with them, or what is in them. */
export function runAlertsCheck(words: readonly string[]): CommandResult {
  return runOnFiles(words, { command: 'alerts check', help: HELP, between: '\n', look: checkFile })
}

function checkFile(file: string): FileResult {
  const { rules, problems } = parseRules(readFileSync(file, 'utf8'), { file })
  if (problems.length > 0) return { text: '', problems }
  const found = parseChannels(rules.channels).problems.map((problem) => `${file}: ${problem}`)
  // Of a secret that is mounted where the collector runs.
  const [elsewhere, wrong] = [found.filter(isAboutFile), found.filter((line) => !isAboutFile(line))]
  const notes = elsewhere.map((line) => `  not checked here: ${line}\n`).join('')
  return { text: `${describe(file, rules)}${notes}`, problems: wrong }
}

function isAboutFile(problem: string): boolean {
  return problem.includes('which cannot be read')
}

function describe(file: string, { rules, logCounts, silences }: RuleSet): string {
  const parts = [count(rules.length, 'rule'), ...some(logCounts.length, 'log count'), ...some(silences.length, 'silence')]
  const rows = rules.map((rule) => [` ${rule.name}`, severitiesOf(rule), conditionOf(rule), rule.channels.join(', ') || 'no channel'])
  return `${file}: ${parts.join(', ')}, nothing wrong\n${rows.length === 0 ? '' : `${table(rows)}\n`}`
}

function severitiesOf({ severity, raises }: Rule): string {
  return [severity, ...raises.map((raise) => raise.severity).toReversed()].join(' → ')
}

function conditionOf({ condition, forMs, by }: Rule): string {
  const text = condition.text.replace(/\s+/g, ' ')
  return `${text}${by.length > 0 ? ` by ${by.join(', ')}` : ''}${forMs > 0 ? ` for ${formatDuration(forMs)}` : ''}`
}

function some(amount: number, noun: string): readonly string[] {
  return amount === 0 ? [] : [count(amount, noun)]
}

function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? '' : 's'}`
}
