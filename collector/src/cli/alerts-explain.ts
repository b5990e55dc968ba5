import { readFileSync } from 'node:fs'
import { type Explanation, explainRules } from '../alert/explain.ts'
import { explanationText } from '../alert/explain-text.ts'
import { parseRules } from '../alert/parse-rules.ts'
import { SHIPPED_RULES } from '../alert/shipped-rules.ts'
import { createAlertState } from '../alert/state.ts'
import { suggest } from '../alert/suggest.ts'
import { askCollector } from './ask-collector.ts'
import type { CommandResult } from './command.ts'
import { readWords } from './words.ts'

const HELP = `tts-otel-collector alerts explain NAME [options]
tts-otel-collector alerts explain NAME SIGNAL=VALUE... [--file alerts.yaml]

Tells why a rule fires or does not, with the last values, and why nobody is told. Asks the collector;
with values of your own it asks nobody and tells what they would do.

  --url URL      the collector; default: where COLLECTOR_LISTEN says it listens. Asks with READ_TOKEN
  --file FILE    rules for values of your own; default: the rules of the package
  --json         the explanation as JSON

Exit codes: 0 explained, 1 there is no such rule or the collector did not answer, 2 wrong usage.
`

/** Explains one rule. */
export async function runAlertsExplain(words: readonly string[]): Promise<CommandResult> {
  const { plain, options, problem } = readWords(words, { help: 'flag', json: 'flag', url: 'value', file: 'value' })
  if (options.help) return { code: 0, stdout: HELP }
  const [name, ...given] = plain
  const values = given.map((word) => /^([^=]+)=(-?[\d.]+(?:e-?\d+)?|none)$/i.exec(word))
  const wrong =
    problem ??
    (name === undefined ? 'which rule?' : values.includes(null) ? `${given[values.indexOf(null)]} is not SIGNAL=NUMBER` : undefined)
  if (wrong !== undefined || name === undefined) return { code: 2, stderr: `tts-otel-collector alerts explain: ${wrong}\n\n${HELP}` }
  const known = new Map(
    values.flatMap((match) => (match === null ? [] : [[match[1]!, match[2] === 'none' ? Number.NaN : Number(match[2])] as const])),
  )
  const explanation =
    known.size > 0 || typeof options.file === 'string' ? explainHere(name, options.file, known) : await askHere(name, options.url)
  const stdout = options.json ? `${JSON.stringify(explanation, undefined, 2)}\n` : explanationText(explanation)
  return { code: 0, stdout }
}

function explainHere(name: string, file: string | true | undefined, values: ReadonlyMap<string, number>): Explanation {
  const path = typeof file === 'string' ? file : undefined
  const { rules, problems } = parseRules(path === undefined ? SHIPPED_RULES : readFileSync(path, 'utf8'), { file: path ?? 'alerts.yaml' })
  if (problems.length > 0) throw new Error(`the rules are wrong:\n${problems.join('\n')}`)
  const one = rules.rules.find((rule) => rule.name === name)
  if (one === undefined) throw new Error(missing(name, rules.rules.map((rule) => rule.name))) // biome-ignore format: one thought
  const written = new Map(one.signals.map((signal) => [`${signal.signal} ${signal.windowMs}`, signal.name]))
  const [explanation] = explainRules({
    state: createAlertState(0),
    rules: { ...rules, rules: [{ ...one, by: [] }] },
    read({ signal, windowMs }) {
      const value = values.get(written.get(`${signal} ${windowMs}`) ?? signal) ?? values.get(signal)
      return value === undefined || Number.isNaN(value) ? [] : [{ labels: {}, value }]
    },
    nowMs: 0,
  })
  return explanation!
}

async function askHere(name: string, url: string | true | undefined): Promise<Explanation> {
  // As the collector of the same version makes it.
  return (await askCollector(`/api/alerts/${encodeURIComponent(name)}`, { url })) as Explanation
}

function missing(name: string, known: readonly string[]): string {
  return `there is no rule "${name}"${suggest(name, known) || `: ${known.join(', ')} are there`}`
}
