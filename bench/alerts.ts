/**
 * What it costs to look at alert rules once: 1,000 rules, each told apart by route and looking at 1,000 of them, so that a condition is asked
 * a million times.
 *
 *   npm run bench:alerts
 *
 * Reading the signals is not in it: their values are there when it begins. Times are CPU of the main thread (`process.threadCpuUsage()`).
 */
import { parseRules } from '../collector/src/alert/parse-rules.ts'
import type { RuleSet } from '../collector/src/alert/rule.ts'
import { type AlertState, createAlertState } from '../collector/src/alert/state.ts'
import { step } from '../collector/src/alert/step.ts'
import type { Reading, ReadSignals } from '../collector/src/signal.ts'
import { figure, table, tellResults } from './results.ts'

const RULES = 1_000
const SERIES = 1_000
const STEPS = 60
const WARM_UP = 10
const INTERVAL_MS = 30_000
const SIGNALS = ['error_rate', 'requests_per_second', 'p50_duration', 'p95_duration', 'p99_duration']
const WINDOWS = ['1m', '5m', '10m', '30m']

const text = rulesText()
const parsed = cpuMs(() => parseRules(text))
if (parsed.value.problems.length > 0) throw new Error(parsed.value.problems[0])
const rows = [0, 1, 10, 100].map((firing) => bench(parsed.value.rules, firing))
tellResults({
  title: 'Alert rules',
  script: 'bench:alerts',
  text: `CPU of the main thread, which a busy machine lengthens by what its caches lose. ${figure(RULES)} rules, each told apart by route, look at ${figure(SERIES)} routes: ${figure(RULES * SERIES)} conditions for each look, ${STEPS} looks after a warm-up. Reading the signals is not in it; reading the file of ${figure(text.length / 1_024)} KiB takes ${figure(parsed.ms)} ms, once.

${table(['alerts that fire', 'one look, median', '99 %'], rows)}`,
})

/** Nine rules of ten compare one signal with a number; the tenth joins two. */
function rulesText(): string {
  const rules = Array.from({ length: RULES }, (_, index) => {
    const signal = SIGNALS[index % SIGNALS.length]
    const window = WINDOWS[index % WINDOWS.length]
    const condition = index % 10 === 9 ? `${signal}[${window}] > 0.5 && requests_per_second > 0.1` : `${signal}[${window}] > 0.5`
    return `  - { name: Rule ${index}, condition: "${condition}", by: [route], for: 1m, annotations: { summary: "{{ value }} of {{ labels.route }}" } }`
  })
  return `rules:\n${rules.join('\n')}\n`
}

/** With `firing` series of each rule above its limit. */
function bench(rules: RuleSet, firing: number): readonly string[] {
  let state: AlertState = createAlertState(0)
  const times: number[] = []
  let instances = 0
  for (let index = 0; index < WARM_UP + STEPS; index++) {
    const read = readerOf(firing, index)
    const { ms, value } = cpuMs(() => step({ state, rules, read, nowMs: (index + 1) * INTERVAL_MS }))
    state = value.state
    if (index >= WARM_UP) times.push(ms)
    instances = Object.values(state.rules).reduce((sum, rule) => sum + Object.keys(rule.instances).length, 0)
  }
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number): string => `${figure(sorted[Math.floor(share * (sorted.length - 1))]!, 1)} ms`
  return [figure(instances), at(0.5), at(0.99)]
}

/** New values at each step, made before it is timed. */
function readerOf(firing: number, index: number): ReadSignals {
  const made = new Map<string, readonly Reading[]>()
  for (const signal of SIGNALS)
    for (const window of WINDOWS) {
      const readings = Array.from({ length: SERIES }, (_, series) => ({
        labels: { route: `/v1/route-${series}` },
        value: series < firing ? 0.9 : 0.3 + ((series * 7 + index) % 100) / 1_000,
      }))
      made.set(`${signal} ${window}`, readings)
    }
  const names: Readonly<Record<number, string>> = { 60000: '1m', 300000: '5m', 600000: '10m', 1800000: '30m' }
  return ({ signal, windowMs }) => made.get(`${signal} ${names[windowMs]}`) ?? []
}

function cpuMs<T>(work: () => T): { readonly ms: number; readonly value: T } {
  const before = process.threadCpuUsage()
  const value = work()
  const { user, system } = process.threadCpuUsage(before)
  return { ms: (user + system) / 1_000, value }
}
