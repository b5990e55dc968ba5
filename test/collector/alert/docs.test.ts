/** What docs/alerting.md promises: every example is read, and does what is said of it. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseRules } from '../../../collector/src/alert/parse-rules.ts'
import { parseRuleTests } from '../../../collector/src/alert/rule-test.ts'
import { runRuleTest } from '../../../collector/src/alert/run-rule-test.ts'
import { SIGNALS, type SignalInfo } from '../../../collector/src/signal-names.ts'

const document = readFileSync(new URL('../../../docs/alerting.md', import.meta.url), 'utf8')
const blocks = [...document.matchAll(/```yaml\n(.*?)```/gs)].map((match) => match[1]!)
const [ruleFiles, testFiles] = [
  blocks.filter((text) => !text.includes('rule_files:')),
  blocks.filter((text) => text.includes('rule_files:')),
]

test.each(ruleFiles.map((text, index) => [index + 1, text] as const))('example %i of a rule file has nothing wrong', (_, text) => {
  expect(parseRules(text).problems).toEqual([])
  expect(parseRules(text).rules.rules).not.toEqual([])
})

test('the example of a test passes with the first example of a rule file', () => {
  expect(testFiles).toHaveLength(1)
  const { tests, problems } = parseRuleTests(testFiles[0]!, 'alerts.test.yaml')
  expect(problems).toEqual([])
  const { rules } = parseRules(ruleFiles[0]!)
  expect(tests.map((one) => runRuleTest(rules, one))).toEqual([[]])
})

test('every signal is in the table, as the code has it, and has a recipe', () => {
  const rows = [...document.matchAll(/^\| `(\w+)` \| (\S+) \| ([\w, –]+) \| (.*) \|$/gm)].map(([, name, unit, labels, doc]) => [
    name,
    unit,
    labels,
    doc,
  ])
  const expected = Object.entries<SignalInfo>(SIGNALS).map(([name, { unit, labels, doc }]) => [name, unit, labels.join(', ') || '–', doc])
  expect(rows).toEqual(expected)
  const recipes = document.slice(document.indexOf('## Recipes'))
  const used = ruleFiles
    .filter((text) => recipes.includes(text))
    .flatMap((text) => parseRules(text).rules.rules.flatMap(({ condition }) => condition.signals))
  expect(Object.keys(SIGNALS).filter((name) => !used.some(({ signal }) => signal === name))).toEqual([])
})

test('every field of a rule is in the table', () => {
  const [problem = ''] = parseRules('rules: [{ name: R, condition: error_rate > 0.1, nothing_of_ours: 1 }]').problems
  const fields = problem.split('is not known: ')[1]?.replace(' are', '').split(', ')
  expect(fields?.length).toBeGreaterThan(15)
  const table = document.slice(document.indexOf('## Fields of a rule'), document.indexOf('## From a condition'))
  const described = [...table.matchAll(/^\| `(\w+)`/gm)].map((match) => match[1])
  expect(new Set(described)).toEqual(new Set(fields))
})

test('the three rules that hold from the start are told as they are', () => {
  for (const [name, condition] of [
    ['High Error Rate', 'error_rate > 0.05'],
    ['Critical Error Rate', 'error_rate > 0.10'],
    ['Queue Too Long', 'queue_length > 100'],
  ])
    expect(document).toContain(`*${name}* (\`${condition}\`, `)
})
