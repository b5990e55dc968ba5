import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { runAlerts } from '../../../collector/src/cli/alerts.ts'
import { type Ended, runNode } from '../../support/run-node.ts'

const main = fileURLToPath(new URL('../../../collector/src/main.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'tts-otel-alerts-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function program(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return runNode([main, 'alerts', ...words], { cwd: folder, env, timeoutMs: 60_000 })
}

/** The same in this process, with paths as the folder of the tests has them. */
async function alerts(words: readonly string[]): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const { code, stdout = '', stderr = '' } = await runAlerts({ words })
  return { code, stdout: stdout.replaceAll(`${folder}/`, ''), stderr: stderr.replaceAll(`${folder}/`, '') }
}

function write(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const RULES = `
log_counts:
  timeouts: { level: ERROR, text: timed out }
channels:
  pager: { type: pagerduty, routing_key_file: /run/secrets/not-here }
rules:
  - name: High Error Rate
    condition: error_rate[1m] > 0.05
    for: 1m
    by: [route]
    channels: [pager]
    annotations: { summary: "{{ value | percent }}" }
  - name: Timeouts
    condition: timeouts > 3
    raise: [{ severity: critical, condition: timeouts > 10 }]
`

test('check says what a right file does', async () => {
  const { code, stdout, stderr } = await alerts(['check', write('right.yaml', RULES)])
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toContain('right.yaml: 2 rules, 1 log count, nothing wrong\n')
  expect(stdout).toMatch(/High Error Rate +warning +error_rate\[1m\] > 0\.05 by route for 1m +pager\n/)
  expect(stdout).toMatch(/Timeouts +warning → critical +timeouts > 3 +no channel\n/)
  expect(stdout).toContain('not checked here: right.yaml: channels.pager.routing_key_file names /run/secrets/not-here')
})

test('check says what is wrong, in rules and in channels, and fails', async () => {
  const rules = write('wrong.yaml', RULES.replace('timeouts > 3', 'timeout > 3'))
  const channels = write('channels.yaml', RULES.replace('pagerduty', 'pager'))
  const { code, stderr } = await alerts(['check', rules, channels])
  expect(code).toBe(1)
  expect(stderr).toContain('wrong.yaml:14:16: rules[1] (Timeouts) condition names timeout, which is no signal: did you mean timeouts?')
  expect(stderr).toContain('channels.yaml: channels.pager.type is not one of')
})

const TESTS = `
rule_files: [right.yaml]
evaluation_interval: 30s
tests:
  - name: errors rise and fall
    input_series:
      - series: error_rate[1m]{route="/v1/speak"}
        values: 0x2 0.08x4 0.01x2
      - series: timeouts
        values: 0x10
    alert_rule_test:
      - { eval_time: 30s, alertname: High Error Rate, exp_state: inactive, exp_alerts: [] }
      - { eval_time: 90s, alertname: High Error Rate, exp_state: pending }
      - eval_time: 2m
        alertname: High Error Rate
        exp_state: firing
        exp_alerts:
          - exp_labels: { severity: warning, route: /v1/speak }
            exp_annotations: { summary: 8 % }
      - { eval_time: 5m, alertname: High Error Rate, exp_state: no_data }
    exp_notifications:
      - { at: 2m, alertname: High Error Rate, reason: first, status: firing, severity: warning, alerts: 1, channels: [pager], group: {}, summary: 8 % }
      - { at: 3m, alertname: High Error Rate, reason: resolved, status: resolved }
`

test('tests of rules pass without waiting', async () => {
  write('right.yaml', RULES)
  const { code, stdout, stderr } = await alerts(['test', write('tests.yaml', TESTS)])
  expect([code, stdout, stderr]).toEqual([0, 'tests.yaml: 1 test, all pass\n', ''])
})

test.each([
  [
    'exp_state: pending',
    'exp_state: firing',
    'tests.yaml:13:55: errors rise and fall: at 1m30s High Error Rate is pending, and firing was expected',
  ],
  [
    'exp_annotations: { summary: 8 % }',
    'exp_annotations: { summary: 9 % }',
    'at 2m High Error Rate has other alerts: {"exp_labels":{"route":"/v1/speak","severity":"warning"},"exp_annotations":{"summary":"8 %"}}',
  ],
  ['route: /v1/speak }', 'route: /v1 }', 'at 2m High Error Rate has other alerts'],
  ['at: 3m', 'at: 4m', 'at is 3m, and 4m was expected'],
  ['reason: resolved, status: resolved', 'reason: repeat', 'reason is resolved, and repeat was expected'],
  [
    '      - { at: 3m, alertname: High Error Rate, reason: resolved, status: resolved }\n',
    '',
    'this was told, too: { at: 3m, alertname: High Error Rate, reason: resolved, severity: warning }',
  ],
  ['      - { at: 3m,', '      - { at: 2m, reason: first }\n      - { at: 3m,', 'there is no such notification: 2 were told'],
  ['{route="/v1/speak"}', '', 'no rule reads this series: error_rate is read for High Error Rate by route'],
  ['alertname: High Error Rate, exp_state: inactive', 'alertname: High, exp_state: inactive', 'there is no rule High'],
  ['series: timeouts', 'series: queue_length', 'no rule reads queue_length'],
  ['values: 0x2 0.08x4 0.01x2', 'values: 0 to 5', 'values is "0 to 5": it has to be like 0x5 0.08x10 _x2 0+0.1x3'],
  ['eval_time: 90s', 'eval_tme: 90s', 'eval_tme is not known'],
  ['[right.yaml]', '[]', 'rule_files has to name the one file'],
  ['0x10', '0x10000000', 'values is "0x10000000"'],
])('a test in which %s is %s fails: %s', async (right, wrong, message) => {
  write('right.yaml', RULES)
  const { code, stderr } = await alerts(['test', write('tests.yaml', TESTS.replace(right, wrong))])
  expect(stderr).toContain(message)
  expect(code).toBe(1)
})

test('explain says what values of your own would do', async () => {
  const { code, stdout } = await alerts(['explain', 'High Error Rate', 'error_rate=0.07', '--file', write('right.yaml', RULES)])
  expect([code, stdout]).toEqual([
    0,
    [
      'High Error Rate: inactive (warning)',
      '  condition  error_rate[1m] > 0.05, for 1m',
      '  channels   pager',
      '  evaluated  never',
      '  the whole: error_rate[1m] is 0.07; the condition holds',
      '',
    ].join('\n'),
  ])
  expect((await alerts(['explain', 'Queue Too Long', 'queue_length=none'])).stdout).toContain('none of its signals has any data')
  expect((await alerts(['explain', 'Queue', 'queue_length=1'])).stderr).toContain('there is no rule "Queue"')
})

test('explain asks the collector that these variables describe, with the token for reading', async () => {
  const explanation = {
    rule: 'High Error Rate',
    phase: 'firing',
    severity: 'warning',
    condition: 'error_rate > 0.05',
    forMs: 0,
    keepFiringForMs: 60_000,
    channels: [],
    evaluatedAtMs: 30_000,
    instances: [
      { labels: { route: '/a' }, phase: 'firing', severity: 'warning', holds: true, values: { error_rate: 0.08 }, sinceMs: 0, startsAtMs: 1_000, isTold: true },
      { labels: { route: '/b' }, phase: 'pending', severity: 'warning', holds: null, values: { error_rate: null }, sinceMs: 20_000, isTold: false },
    ],
    instancesLeft: 3,
  } // biome-ignore format: rows
  const asked: (string | undefined)[] = []
  const server = createServer((request, response) => {
    asked.push(request.url, request.headers.authorization)
    const isKnown = request.url === '/api/alerts/High%20Error%20Rate'
    response
      .writeHead(isKnown ? 200 : 404)
      .end(JSON.stringify(isKnown ? explanation : { error: 'unknown', message: 'There is no rule "x"' }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  try {
    const env = { COLLECTOR_LISTEN: `127.0.0.1:${port}`, READ_TOKEN: 'a-token-for-reading-only' }
    const { code, stdout } = await program(['explain', 'High Error Rate'], env)
    expect([code, asked]).toEqual([0, ['/api/alerts/High%20Error%20Rate', 'Bearer a-token-for-reading-only']])
    expect(stdout).toBe(
      [
        'High Error Rate: firing (warning)',
        '  condition  error_rate > 0.05, kept for 1m',
        '  channels   none: nobody is told',
        '  evaluated  1970-01-01T00:00:30.000Z',
        '  route=/a: error_rate is 0.08; the condition holds; firing (warning) since 1970-01-01T00:00:01.000Z; told',
        '  route=/b: error_rate is unknown: no data; the condition depends on what has no data; pending since 1970-01-01T00:00:20.000Z, fires in 0s if it goes on',
        '  and 3 more',
        '',
      ].join('\n'),
    )
    expect((await program(['explain', 'x', '--url', `http://127.0.0.1:${port}`])).stderr).toContain('answers: There is no rule "x"')
    expect(JSON.parse((await program(['explain', 'High Error Rate', '--json'], env)).stdout)).toEqual(explanation)
  } finally {
    server.close()
  }
  expect((await program(['explain', 'x', '--url', `http://127.0.0.1:${port}`])).stderr).toContain('does not answer')
})

test.each([
  [[], 'which command?'],
  [['chek'], 'there is no command "chek"'],
  [['check'], 'which file?'],
  [['check', '--fast', 'a'], '--fast is no option'],
  [['test'], 'which file?'],
  [['explain'], 'which rule?'],
  [['explain', 'a', 'b'], 'b is not SIGNAL=NUMBER'],
])('%j is wrong usage: %s', async (words, message) => {
  const { code, stderr } = await alerts(words)
  expect([code, stderr.includes(message)]).toEqual([2, true])
})

test('a file that is not there is said, without a stack', async () => {
  const { code, stderr } = await program(['check', 'nowhere.yaml'])
  expect([code, stderr]).toEqual([1, "tts-otel-collector alerts check: ENOENT: no such file or directory, open 'nowhere.yaml'\n"])
})

test('each command tells how it is used', async () => {
  for (const command of ['check', 'test', 'explain']) expect((await alerts([command, '--help'])).stdout).toContain(`alerts ${command}`)
})
