import { Environment } from '@marcbachmann/cel-js'
import { expect, test } from 'vitest'
import { type Condition, type ConditionScope, compileCondition } from '../../../collector/src/alert/condition.ts'
import { SIGNALS } from '../../../collector/src/signal-names.ts'

const SLOTS = ['error_rate', 'queue_length', 'p95_duration']
const SCOPE: ConditionScope = {
  signals: [...Object.keys(SIGNALS), 'timeouts'],
  labels: ['route'],
  threshold: 0.2,
  slotOf: ({ name }) => SLOTS.indexOf(name),
}
const MISSING = Number.NaN

function compiled(text: string): Condition {
  const result = compileCondition(text, SCOPE)
  if (result.kind === 'problem') throw new Error(result.problem.message)
  return result.value
}

function problemOf(text: string): string | undefined {
  const result = compileCondition(text, SCOPE)
  return result.kind === 'problem' ? `${result.problem.message} @${result.problem.start}-${result.problem.end}` : undefined
}

test.each([
  'error_rate > 0.05',
  'error_rate >= 0.25',
  'queue_length < 10',
  'queue_length <= 10',
  '0.25 < error_rate',
  'queue_length == 10',
  'queue_length != 10',
  'error_rate > threshold',
  'error_rate * 100 > 20',
  'queue_length / 2 + 1 > 5',
  'queue_length - 3 > error_rate',
  '-queue_length < -5',
  'error_rate > 0.05 && queue_length > 5',
  'error_rate > 0.05 || queue_length > 5',
  '!(error_rate > 0.05) && p95_duration > 1',
  'error_rate > (queue_length > 5 ? 0.2 : 0.3)',
  'queue_length > 5 ? error_rate > 0.2 : p95_duration > 1',
  'error_rate > 0.1 && route == "/v1/speak"',
  'error_rate > 0.1 && route != "/v1/speak"',
  'error_rate > 0.1 && route in ["/v1/speak", "/other"]',
  'error_rate > 0.1 && route.startsWith("/v1")',
  'error_rate > 0.1 && !route.endsWith("speak")',
  'error_rate > 0.1 && route.contains("speak")',
  'error_rate > 0.1 || true == (queue_length > 3)',
])('%s comes out as the evaluator of CEL has it', (text) => {
  const cel = new Environment().registerVariable('threshold', 'double').registerVariable('route', 'string')
  for (const name of SLOTS) cel.registerVariable(name, 'double')
  for (const [operator, of] of Object.entries({ '*': mul, '/': div, '+': add, '-': sub })) {
    cel.registerOperator(`double ${operator} int`, (a: number, b: bigint) => of(a, Number(b)))
  }
  cel.registerOperator('double == int', (a: number, b: bigint) => a === Number(b))
  const reference = cel.parse(text)
  const { holds } = compiled(text)
  const outcomes = new Set<boolean>()
  for (const error_rate of [0, 0.05, 0.2, 0.25, 1])
    for (const queue_length of [0, 5, 10, 100])
      for (const p95_duration of [0.5, 2])
        for (const route of ['/v1/speak', '/v1/voices', '']) {
          const expected = reference({ error_rate, queue_length, p95_duration, route, threshold: 0.2 })
          expect(holds([error_rate, queue_length, p95_duration], { route })).toBe(expected)
          outcomes.add(expected)
        }
  expect(outcomes.size).toBe(2)
})

const mul = (a: number, b: number) => a * b
const div = (a: number, b: number) => a / b
const add = (a: number, b: number) => a + b
const sub = (a: number, b: number) => a - b

test.each([
  ['error_rate > 0.05', [MISSING], null],
  ['error_rate > 0.05 && queue_length > 5', [MISSING, 0], false],
  ['queue_length > 5 && error_rate > 0.05', [MISSING, 0], false],
  ['error_rate > 0.05 && queue_length > 5', [MISSING, 9], null],
  ['error_rate > 0.05 || queue_length > 5', [MISSING, 9], true],
  ['queue_length > 5 || error_rate > 0.05', [MISSING, 9], true],
  ['error_rate > 0.05 || queue_length > 5', [MISSING, 0], null],
  ['!(error_rate > 0.05)', [MISSING], null],
  ['error_rate == 0.0', [MISSING], null],
  ['error_rate != 0.0', [MISSING], null],
  ['error_rate > 0.05 ? queue_length > 5 : queue_length > 9', [MISSING, 100], null],
  ['error_rate / queue_length > 0.05', [0.5, 0], null],
  ['queue_length + error_rate > 0.05', [MISSING, 9], null],
])('%s with %s is %s: a missing value makes unknown only what depends on it', (text, values, expected) => {
  expect(compiled(text).holds(values, {})).toBe(expected)
})

test.each([
  ['error_rate > 1', 'can never hold: error_rate is from 0 to 1 @0-14'],
  ['error_rate > 5', 'can never hold: error_rate is from 0 to 1 @0-14'],
  ['error_rate < 0', 'can never hold: error_rate is from 0 to 1 @0-14'],
  ['queue_length < 0', 'can never hold: queue_length is 0 or more @0-16'],
  ['error_rate > 0.5 && error_rate < 0.2', 'can never hold'],
  ['!(error_rate <= 1)', 'can never hold'],
  ['error_rate * 100 > 500', 'can never hold'],
  ['error_rate > 0.5 ? error_rate < 0.5 : false', 'can never hold'],
  ['(queue_length > 5 || error_rate > 2) && queue_length < 5', 'can never hold'],
  ['queue_length + 1 < 1', 'can never hold'],
  ['error_rate - 1 > 0', 'can never hold'],
  ['error_rate == 2.0', 'can never hold'],
  ['health > 1', 'can never hold'],
  ['error_rate >= 0', 'always holds: error_rate is from 0 to 1'],
  ['error_rate > 0.5 || error_rate <= 0.5', 'always holds'],
  ['error_rate > 0.5 || error_rate < 0.5', undefined],
  ['queue_length >= 0 && error_rate <= 1', 'always holds'],
  ['error_rate >= 1', undefined],
  ['error_rate > 0.5 && error_rate[1m] < 0.2', undefined],
  ['error_rate == 0.0', undefined],
  ['health < 1', undefined],
  ['route == "a" && route == "b" && error_rate > 0.5', undefined],
  ['queue_length / error_rate > 5', undefined],
  ['1 - error_rate < 0.9', undefined],
])('%s is found when the file is loaded: %s', (text, problem) => {
  if (problem === undefined) expect(problemOf(text)).toBeUndefined()
  else expect(problemOf(text)).toContain(problem)
})

test.each([
  ['error_ratee > 0.05', 'names error_ratee, which is no signal: did you mean error_rate? @0-11'],
  ['error_rate > 0.5 && eror_rate[1m] > 0.05', 'names eror_rate, which is no signal: did you mean error_rate? @20-29'],
  ['timeout > 1', 'names timeout, which is no signal: did you mean timeouts? @0-7'],
  ['xyz > 1', 'names xyz, which is no signal @0-3'],
  ['error_rate[5 min] > 0.1', 'has a window that is no duration: write 30s, 5m or 1h30m @11-16'],
  ['error_rate[10ms] > 0.1', 'has a window out of range: 1s to 3d @11-15'],
  ['error_rate[4d] > 0.1', 'has a window out of range: 1s to 3d @11-13'],
  ['error_rate > "a"', 'no such overload: double > string @0-16'],
  ['route > 5', 'no such overload: string > int @0-9'],
  ['error_rate', 'is no comparison'],
  ['error_rate >', 'unexpected token: EOF'],
  ['error_rate > 5%', 'write 0.05 for 5 %'],
  ['error_rate > .05', 'write 0.05 for .05'],
  ['error_rate > 0.1 and queue_length > 1', 'write && for and'],
  ['error_rate > 0.1 or queue_length > 1', 'write || for or'],
  ['not error_rate > 0.1', 'write ! for not'],
  ['queue_length = 1', 'write == to compare'],
  ['queue_length => 1', 'write >= or <='],
  ['1/20 < error_rate', 'divides whole numbers, which CEL rounds down'],
  ['route.matches("^(a+)+$") && error_rate > 0.1', 'uses matches(), whose time has no bound'],
  ['[1, 2].all(x, x > 0)', 'uses all()'],
  ['size(route) > 3', 'uses size()'],
  ['{"a": 1}.a > 0', 'which is not for conditions'],
  ['error_rate > 0.1 && route == null', 'is neither a number, a text, true nor false'],
  [`error_rate > 0.1${' && error_rate > 0.1'.repeat(60)}`, 'cannot be read as CEL'],
  [`${'('.repeat(100)}error_rate > 0.1${')'.repeat(100)}`, 'cannot be read as CEL'],
  [`error_rate > 0.1 ${' '.repeat(3000)}`, 'has 3017 characters: 2000 are the most'],
])('%s is refused: %s', (text, problem) => {
  expect(problemOf(text)).toContain(problem)
})

test('a signal with a window is another one than without, and is called as it is written', () => {
  const { signals, subject, threshold } = compiled('error_rate[90s] > 0.05 && error_rate < 0.5 && "error_rate[1s]" != route')
  expect(signals).toEqual([
    { name: 'error_rate[90s]', signal: 'error_rate', windowMs: 90_000 },
    { name: 'error_rate', signal: 'error_rate', windowMs: 300_000 },
  ])
  expect([subject, threshold]).toEqual([-1, 0.05])
})

test.each([
  ['error_rate > 0.05', 0, 0.05],
  ['0.05 < error_rate', 0, 0.05],
  ['queue_length > 5 && error_rate > 0.1', 1, 5],
  ['error_rate > threshold', 0, 0.2],
  ['error_rate * 2 > 0.1', 0, 0.1],
  ['error_rate > p95_duration', 0, undefined],
  ['queue_length > -5 + 6', 1, undefined],
  ['true', undefined, undefined],
])('%s is about signal %s and compares with %s', (text, subject, threshold) => {
  expect(compiled(text)).toMatchObject({ subject, threshold })
})
