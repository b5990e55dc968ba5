import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseRules } from '../../../collector/src/alert/parse-rules.ts'
import { SHIPPED_RULES } from '../../../collector/src/alert/shipped-rules.ts'

const SHIPPED = readFileSync(new URL('../../../collector/alerts.yaml', import.meta.url), 'utf8')

test('the three rules of the requirements are read as they stand there', () => {
  const { rules, problems } = parseRules(SHIPPED)
  expect(problems).toEqual([])
  expect(rules.rules.map(({ name, severity, channels, condition }) => [name, severity, channels, condition.threshold])).toEqual([
    ['High Error Rate', 'warning', ['email', 'slack'], 0.05],
    ['Critical Error Rate', 'critical', ['email', 'slack'], 0.1],
    ['Queue Too Long', 'warning', ['slack'], 100],
  ])
  expect(rules.rules.map(({ inhibits }) => inhibits)).toEqual([[], ['High Error Rate'], []])
})

test('what holds without a file is the file of the package', () => {
  expect(plain(parseRules(SHIPPED_RULES))).toEqual(plain(parseRules(SHIPPED)))
})

/** Without the functions that conditions are made into. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

test('a misspelt signal is found with file, line, column, a mark and what may have been meant', () => {
  const { problems } = parseRules(SHIPPED.replace('queue_length > 100', 'queue_lenght > 100'), { file: 'ours.yaml' })
  expect(problems).toEqual([
    [
      'ours.yaml:19:16: rules[2] (Queue Too Long) condition names queue_lenght, which is no signal: did you mean queue_length?',
      '    queue_lenght > 100',
      '    ^^^^^^^^^^^^',
    ].join('\n'),
  ])
})

test.each([
  ['severity: warning', 'threshold: 0.5', 'threshold is 0.5, and the condition compares with 0.05'],
  ['channels: [slack]', 'channels: [slak]', 'channels names slak, which is not there: did you mean slack?'],
  ['severity: critical', 'severity: fatal', 'severity is "fatal": it has to be info, warning, error, critical'],
  ['queue_length > 100', 'queue_length', 'condition is no comparison'],
  ['queue_length > 100', 'queue_length > "a"', 'no such overload: double > string'],
  ['queue_length > 100', 'queue_length > 100 and error_rate > 0.1', 'write && for and'],
  ['name: Queue Too Long', 'name: High Error Rate', 'High Error Rate is that of another rule'],
  ['severity: critical', 'sevrity: critical', 'sevrity is not known: did you mean severity?'],
])('%s written as %s is a problem: %s', (right, wrong, message) => {
  const { problems } = parseRules(SHIPPED.replace(right, wrong))
  expect(problems).toHaveLength(1)
  expect(problems[0]).toContain(message)
})
