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

/** One rule with these fields, in the flow style of YAML. */
const ruleWith = (fields: string) => `rules: [{ name: R, ${fields} }]`

test('a burn rate is the three windows of the SRE workbook: two that page, one that can wait', () => {
  const { rules, problems } = parseRules(ruleWith('burn_rate: { objective: 99.9% }, channels: [slack]'))
  expect(problems).toEqual([])
  const [rule] = rules.rules
  const page = '(error_rate[1h] > 0.0144 && error_rate[5m] > 0.0144) || (error_rate[6h] > 0.006 && error_rate[30m] > 0.006)'
  expect(rule?.condition.text).toBe(`${page} || (error_rate[3d] > 0.001 && error_rate[6h] > 0.001)`)
  expect(rule?.severity).toBe('warning')
  expect(rule?.raises.map(({ severity, condition }) => [severity, condition.text])).toEqual([['critical', page]])
  expect(rule?.signals.map(({ name }) => name)).toEqual(['1h', '5m', '6h', '30m', '3d'].map((window) => `error_rate[${window}]`))
})

test('a burn rate that would need more failures than there are requests is left out', () => {
  const { rules } = parseRules(ruleWith('burn_rate: { objective: 0.9, signal: no_audio_rate }'))
  expect(rules.rules[0]?.condition.text).toBe(
    '(no_audio_rate[6h] > 0.6 && no_audio_rate[30m] > 0.6) || (no_audio_rate[3d] > 0.1 && no_audio_rate[6h] > 0.1)',
  )
})

test('a burn rate can have windows of its own', () => {
  const { rules, problems } = parseRules(
    ruleWith('burn_rate: { objective: 0.99, windows: [{ factor: 10, long: 1m, short: 5s, severity: error }] }'),
  )
  expect(problems).toEqual([])
  expect(rules.rules[0]).toMatchObject({
    severity: 'error',
    raises: [],
    condition: { text: '(error_rate[1m] > 0.1 && error_rate[5s] > 0.1)' },
  })
})

test('log_counts defines names that conditions can use, told apart by logger', () => {
  const { rules, problems } = parseRules(`
log_counts:
  payment_failures: { level: ERROR, logger: app.payment.*, event: payment.failed, text: declined }
rules:
  - { name: Payments, condition: "payment_failures[10m] > 3", by: [logger] }
`)
  expect(problems).toEqual([])
  expect(rules.logCounts).toEqual([
    { name: 'payment_failures', severityMin: 17, logger: 'app.payment.*', event: 'payment.failed', text: 'declined' },
  ])
  expect(rules.rules[0]?.signals).toEqual([{ name: 'payment_failures[10m]', signal: 'payment_failures', windowMs: 600_000 }])
})

test('silences and mute times are read with author, reason, end and zone', () => {
  const { rules, problems } = parseRules(`
silences:
  - matchers: { alertname: "R*", route: /v1/speak }
    author: ada
    reason: moving house
    starts: 2026-11-22T10:00:00Z
    ends: 2026-11-22T14:00:00+02:00
mute_times:
  nights: { zone: Europe/Berlin, days: [mon, fri], from: "22:00", to: "06:30" }
rules:
  - { name: R, condition: error_rate > 0.05, mute: [nights] }
`)
  expect(problems).toEqual([])
  expect(rules.silences).toEqual([
    {
      id: 'file-0',
      matchers: { alertname: 'R*', route: '/v1/speak' },
      author: 'ada',
      reason: 'moving house',
      startsAtMs: Date.UTC(2026, 10, 22, 10),
      endsAtMs: Date.UTC(2026, 10, 22, 12),
    },
  ])
  expect(rules.rules[0]?.mute).toEqual([
    { name: 'nights', zone: 'Europe/Berlin', days: ['mon', 'fri'], fromMinute: 22 * 60, toMinute: 6 * 60 + 30 },
  ])
})

test.each([
  ['rules: [{ condition: error_rate > 0.1 }]', 'name is missing'],
  ['rules: [{ name: R }]', 'condition is missing'],
  ['rules: { name: R }', 'rules is {"name":"R"}: it has to be a list'],
  ['rules: [1]', 'rules[0] is 1: it has to be a map'],
  ['alerts: []', 'alerts is not known: log_counts, mute_times, channels, rules, silences are'],
  ['rules: [', '1:'],
  ['- a', 'the file is ["a"]: it has to be a map'],
  [ruleWith('condition: error_rate > 0.1, for: 5'), 'for is 5: it has to be a duration: 30s, 5m or 1h30m'],
  [ruleWith('condition: error_rate > 0.1, for: 5 minutes'), 'for is "5 minutes": it has to be a duration'],
  [ruleWith('condition: error_rate > 0.1, no_data: ok'), 'no_data is "ok": it has to be keep, resolve, alert'],
  [ruleWith('condition: error_rate > 0.1, repeat_interval: 2d'), 'repeat_interval is out of range: 1s to 1d'],
  [ruleWith('condition: error_rate > 0.1, by: [rout]'), 'by names rout, by which error_rate cannot be told apart: did you mean route?'],
  [ruleWith('condition: error_rate > 0.1, group_by: [voice]'), 'group_by names voice, by which error_rate cannot be told apart'],
  [
    ruleWith('condition: error_rate > 0.1 && rtf_p95 > 1, by: [route, voice]'),
    'none of error_rate, rtf_p95 can be told apart by all of them',
  ],
  [ruleWith('condition: error_rate > 0.1 && route == "a"'), 'names route, which is no signal'],
  [ruleWith('condition: error_rate > threshold'), 'names threshold, but the rule has none'],
  [ruleWith('condition: error_rate > 2'), 'can never hold: error_rate is from 0 to 1'],
  [
    ruleWith('condition: error_rate > 0.1, raise: [{ severity: critical, condition: error_rate > 0.05 }]'),
    'always holds where the condition of the rule does',
  ],
  [
    ruleWith('condition: error_rate > 0.1, raise: [{ severity: critical, condition: error_rate < 0.05 }]'),
    'can never hold where the condition of the rule does',
  ],
  [
    ruleWith('condition: error_rate > 0.1, raise: [{ severity: info, condition: error_rate > 0.5 }]'),
    'severity is info, which is not above that of the rule, warning',
  ],
  [ruleWith('condition: error_rate > 0.1, labels: { severity: x }'), 'labels has severity, which each alert has anyway'],
  [ruleWith('condition: error_rate > 0.1, labels: { 1a: x }'), 'labels has 1a: a name is letters, digits and _'],
  [
    ruleWith('condition: error_rate > 0.1, annotations: { summary: "{{ valeu }}" }'),
    '.summary: {{ valeu }} is not known here: value, threshold, rule, severity, error_rate are',
  ],
  [
    ruleWith('condition: error_rate > 0.1, annotations: { summary: "{{ value | per }}" }'),
    'has a format that is not known: number, percent, duration are',
  ],
  [ruleWith('condition: error_rate > 0.1, mute: [nights]'), 'mute names nights, which is not there'],
  [ruleWith('condition: error_rate > 0.1, inhibits: [Other]'), 'inhibits names Other, and there is no such rule'],
  [
    'rules: [{ name: A, condition: queue_length > 1, inhibits: [B] }, { name: B, condition: queue_length > 2, inhibits: [C] }, { name: C, condition: queue_length > 3, inhibits: [B, C] }]',
    'rules[1] (B) inhibits makes a circle in which nobody is told of anything: "B" inhibits "C" inhibits "B"',
  ],
  [
    'rules: [{ name: A, condition: error_rate > 0.1, severity: critical }, { name: B, condition: error_rate > 0.05, inhibits: [A] }]',
    'rules[1] (B) inhibits makes a circle',
  ],
  [ruleWith('burn_rate: { objective: 99 }'), 'burn_rate.objective is 99: it has to be a share between 0 and 1, 0.999 or 99.9%'],
  [ruleWith('burn_rate: { objective: 99%, signal: queue_length }'), 'burn_rate.signal is queue_length: it has to be a share of requests'],
  [ruleWith('burn_rate: { objective: 99% }, condition: error_rate > 0.1'), 'condition is decided by burn_rate: leave it out'],
  [ruleWith('burn_rate: { objective: 99%, windows: [{ factor: 5, long: 5m, short: 1h }] }'), 'short has to be shorter than long'],
  ['log_counts: { error_rate: { level: ERROR } }', 'log_counts.error_rate has the name of a signal'],
  ['log_counts: { Some-Name: { level: ERROR } }', 'log_counts.Some-Name has a name that is not small letters'],
  ['log_counts: { some: {} }', 'log_counts.some has to say what it counts'],
  [
    'log_counts: { some: { level: WARNIN } }',
    'log_counts.some.level is "WARNIN": it has to be DEBUG, INFO, WARNING, ERROR, CRITICAL: did you mean WARNING?',
  ],
  ['silences: [{ matchers: { a: b }, author: ada, reason: x }]', 'silences.0.ends is missing'],
  ['silences: [{ matchers: { a: b }, author: ada, ends: 2026-11-22T10:00:00Z }]', 'silences.0.reason is missing'],
  [
    'silences: [{ matchers: {}, author: ada, reason: x, ends: 2026-11-22T10:00:00Z }]',
    'silences.0.matchers has to name at least one label',
  ],
  [
    'silences: [{ matchers: { a: b }, author: ada, reason: x, ends: tomorrow }]',
    'silences.0.ends is "tomorrow": it has to be a time with its zone',
  ],
  ['mute_times: { n: { zone: Mars/Base } }', 'mute_times.n.zone is "Mars/Base", which is no time zone'],
  ['mute_times: { n: { from: "22:00" } }', 'mute_times.n.zone is missing'],
  ['mute_times: { n: { zone: UTC, from: "25:00" } }', 'mute_times.n.from is "25:00": it has to be a time of day'],
  ['mute_times: { n: { zone: UTC, days: [sunday] } }', 'mute_times.n.days names sunday: mon, tue'],
])('%s: %s', (text, message) => {
  const { problems, rules } = parseRules(text)
  expect(problems).toHaveLength(1)
  expect(problems[0]).toContain(message)
  expect(rules.rules).toEqual([])
})

test('a condition that is folded over lines is shown as it is read, with its mark', () => {
  const text = 'rules:\n  - name: R\n    condition: >-\n      error_rate > 0.05\n      && queue_lenght > 5\n'
  expect(parseRules(text).problems).toEqual([
    [
      'alerts.yaml:3:5: rules[0] (R) condition names queue_lenght, which is no signal: did you mean queue_length?',
      '    error_rate > 0.05 && queue_lenght > 5',
      '                         ^^^^^^^^^^^^',
    ].join('\n'),
  ])
})

test('the mark is below its line in a condition of several lines', () => {
  const text = 'rules:\n  - name: R\n    condition: |-\n      error_rate > 0.05 &&\n        queue_lenght > 5\n'
  expect(parseRules(text).problems[0]).toContain('\n      queue_lenght > 5\n      ^^^^^^^^^^^^')
})

test('a window inside of { } is a list to YAML, and the last problem says what to do', () => {
  const { problems } = parseRules('rules: [{ name: R, condition: error_rate[1m] > 0.05 }]')
  expect(problems.at(-1)).toContain('needs quotes')
})

test('all problems of a file are said, in its order', () => {
  const { problems } = parseRules('rules:\n  - { name: A, condition: a > 1 }\n  - { name: B, condition: b > 1 }\nsilences: 5\n')
  expect(problems.map((problem) => problem.split(' ')[0])).toEqual(['alerts.yaml:2:27:', 'alerts.yaml:3:27:', 'alerts.yaml:4:1:'])
})

test('aliases do not make a small file large', () => {
  const levels = Array.from({ length: 9 }, (_, n) => `  a${n + 1}: &a${n + 1} [${Array(9).fill(`*a${n}`).join(', ')}]`)
  const { problems } = parseRules(`channels:\n  a0: &a0 [x]\n${levels.join('\n')}\n`)
  expect(problems).toHaveLength(1)
  expect(problems[0]).toContain('more than 100 aliases')
})

test('a file that is nested too deeply is refused in words that say so', () => {
  const { problems } = parseRules(`rules: ${'['.repeat(20_000)}`)
  expect(problems[0]).toContain('is nested too deeply')
})

test('of thousands of problems the first are told, and how many more there are', () => {
  const rules = Array.from({ length: 3_000 }, (_, n) => `  - { name: R${n}, condition: nothing_known > 1 }`)
  const { problems } = parseRules(`rules:\n${rules.join('\n')}\n`)
  expect(problems).toHaveLength(51)
  expect(problems.at(-1)).toContain('and 2950 more problems')
})
