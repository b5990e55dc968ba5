import { randomUUID } from 'node:crypto'
import { explainRules } from './alert/explain.ts'
import type { Rule } from './alert/rule.ts'
import { infoOf } from './alert/signal-info.ts'
import type { Silence } from './alert/silence.ts'
import { type InstanceState, ruleStateOf } from './alert/state.ts'
import type { AlertDesk, AlertStatus, Refused, RuleStatus } from './alert-desk.ts'
import type { Term } from './alert-term.ts'
import { SILENCE } from './evaluator.ts'
import type { Rank } from './leadership.ts'
import type { Notification } from './notification.ts'
import type { RuleBook } from './rule-book.ts'
import type { Signals } from './signals/signals.ts'
import { testNotification } from './test-notification.ts'

export type AlertDeskOptions = {
  readonly term: () => Term | undefined
  readonly rank: () => Rank
  readonly book: () => RuleBook
  readonly signals: Signals
  readonly now: () => number
  readonly checkedAtMs: () => number | undefined
}

export function createAlertDesk({ term, rank, book, signals, now, checkedAtMs }: AlertDeskOptions): AlertDesk {
  return {
    status() {
      const current = term()
      return {
        rank: current === undefined ? 'standby' : rank(),
        checkedAtMs: checkedAtMs(),
        rules: book().rules.rules.map((rule) => ruleStatus(rule, { term: current, signals, nowMs: now() })),
        silences: [...book().rules.silences.filter(({ endsAtMs }) => endsAtMs > now()), ...(current?.evaluator.silences() ?? [])],
        channels: current?.outbox.stats() ?? {},
        problems: current === undefined ? [] : problemsOf(current, signals),
      }
    },
    explain(name) {
      const evaluator = term()?.evaluator
      if (evaluator === undefined) return STANDBY
      const { rules } = book()
      const input = { state: evaluator.state(), rules, silences: evaluator.silences(), read: evaluator.read, nowMs: now() }
      const explanation = explainRules(input).find(({ rule }) => rule === name)
      return explanation === undefined ? unknown(name) : { kind: 'explained', explanation }
    },
    history: (limit) => term()?.evaluator.history(limit),
    deliveries: async (limit) => await term()?.outbox.log(limit),
    async silence(wish) {
      const current = term()
      if (current === undefined) return STANDBY
      const silence: Silence = { id: randomUUID(), ...wish, startsAtMs: now() }
      const changes = [{ kind: SILENCE, key: silence.id, text: JSON.stringify(silence) }]
      await current.vault.write(() => ({ changes, result: undefined }))
      return { kind: 'silenced', id: silence.id }
    },
    async test(name) {
      const current = term()
      if (current === undefined) return STANDBY
      const rule = book().rules.rules.find((one) => one.name === name)
      if (rule === undefined) return unknown(name)
      const channels = rule.channels.filter((channel) => Object.hasOwn(current.outbox.stats(), channel))
      if (channels.length === 0)
        return {
          kind: 'refused',
          why: 'nobody',
          message: `None of the channels of "${name}" is set up: ${rule.channels.join(', ') || 'it names none'}`,
        }
      const notification: Notification = { ...testNotification(rule, now()), channels }
      await current.outbox.accept([notification])
      return { kind: 'sent', id: notification.id, channels }
    },
  }
}

const STANDBY: Refused = { kind: 'refused', why: 'standby', message: 'Another collector decides about alerts; ask that one' }

function unknown(rule: string): Refused {
  return { kind: 'refused', why: 'unknown', message: `There is no rule "${rule}"` }
}

type Sources = { readonly term: Term | undefined; readonly signals: Signals; readonly nowMs: number }

function ruleStatus(rule: Rule, { term, signals, nowMs }: Sources): RuleStatus {
  const state = term && ruleStateOf(term.evaluator.state(), rule.name)
  const instances = Object.values(state?.instances ?? {}).flatMap((instance) =>
    instance.phase === 'resolved' ? [] : [instanceStatus(rule, instance, instance.phase)],
  )
  const { name, severity, channels, condition } = rule
  const worst = instances.some((one) => one.state === 'firing') ? 'firing' : instances.length > 0 ? 'pending' : 'inactive'
  return {
    name,
    condition: condition.text,
    severity,
    channels,
    state: worst === 'inactive' && state?.noDataSinceMs !== undefined ? 'no_data' : worst,
    instances,
    readings: rule.signals.flatMap(({ name, signal, windowMs }) => {
      const by = rule.by.filter((label) => infoOf(signal).labels.includes(label))
      return signals.read({ signal, windowMs, by }, nowMs).map((reading) => ({ ...reading, signal: name }))
    }),
  }
}

function instanceStatus(rule: Rule, { labels, severity, sinceMs, heldAtMs, values }: InstanceState, state: 'pending' | 'firing') {
  return {
    labels,
    state,
    severity,
    sinceMs,
    heldAtMs,
    values: Object.fromEntries(rule.signals.map(({ name }, i) => [name, values[i] ?? null])),
  }
}

/** What is not as it should be, a sentence each. */
export function problemsOf({ evaluator, vault }: Pick<Term, 'evaluator' | 'vault'>, signals: Signals): AlertStatus['problems'] {
  const { overflow, missing } = evaluator.trouble()
  const { seriesOverflow, logOverflow } = signals.stats()
  const behind = vault.behind() ?? 0
  return [
    ...missing.map((name) => `the channel "${name}" that rules name is not set up: alerts for it go nowhere`),
    ...signals
      .shortWindows()
      .map(
        ({ signal, windowMs, intervalMs }) =>
          `${signal} is asked for over ${windowMs / 1_000} s, and its data comes every ${Math.round(intervalMs / 1_000)} s: a window should hold two intervals. Widen it, or lower METRICS_COLLECTION_INTERVAL`,
      ),
    ...(overflow > 0 ? [`rules have more alerts than are kept (left out: ${overflow}): tell them apart by fewer labels`] : []),
    ...(seriesOverflow > 0 ? [`there are too many series for alerts (points left out: ${seriesOverflow}): signals are too low`] : []),
    ...(logOverflow > 0 ? [`there are too many log records that count (left out: ${logOverflow}): counts are too low`] : []),
    ...(behind > 0 ? [`the database does not have all that alerts remember (changes in the file alone: ${behind})`] : []),
  ]
}
