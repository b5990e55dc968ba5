import { randomUUID } from 'node:crypto'
import { explainRules } from './alert/explain.ts'
import { createObserver } from './alert/observe.ts'
import type { Rule } from './alert/rule.ts'
import type { Silence } from './alert/silence.ts'
import { type InstanceState, ruleStateOf } from './alert/state.ts'
import type { AlertDesk, AlertOverview, Refused, RuleStatus } from './alert-desk.ts'
import type { Term } from './alert-term.ts'
import { type Evaluator, SILENCE } from './evaluator.ts'
import type { Rank } from './leadership.ts'
import type { Notification } from './notification.ts'
import type { RuleBook } from './rule-book.ts'
import type { Signals } from './signals/signals.ts'
import { testNotification } from './test-notification.ts'
import type { OpenVault } from './vault/open-vault.ts'

export type AlertDeskOptions = {
  readonly term: () => Term | undefined
  readonly rank: () => Rank
  readonly book: () => RuleBook
  readonly signals: Signals
  readonly now: () => number
  readonly checkedAtMs: () => number | undefined
}

export function createAlertDesk({ term, rank, book, signals, now, checkedAtMs }: AlertDeskOptions): AlertDesk {
  function overview(): AlertOverview {
    const current = term()
    return {
      rank: current === undefined ? 'standby' : rank(),
      checkedAtMs: checkedAtMs(),
      channels: current?.outbox.stats() ?? {},
      problems: current === undefined ? [] : problemsOf(current, signals).map(({ message }) => message),
    }
  }

  return {
    overview,
    status() {
      const evaluator = term()?.evaluator
      const observe = createObserver(evaluator?.read ?? signals.read, now())
      return {
        ...overview(),
        rules: book().rules.rules.map((rule) => ruleStatus(rule, { evaluator, observe })),
        silences: [...book().rules.silences.filter(({ endsAtMs }) => endsAtMs > now()), ...(evaluator?.silences() ?? [])],
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

type Sources = { readonly evaluator: Evaluator | undefined; readonly observe: ReturnType<typeof createObserver> }

function ruleStatus(rule: Rule, { evaluator, observe }: Sources): RuleStatus {
  const state = evaluator && ruleStateOf(evaluator.state(), rule.name)
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
    readings: rule.signals.flatMap((signal) =>
      observe({ signals: [signal], by: rule.by }).list.flatMap(({ labels, values: [value = Number.NaN] }) =>
        Number.isNaN(value) ? [] : [{ labels, signal: signal.name, value }],
      ),
    ),
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

/**
 * What is not as it should be: a sentence, and what stays the same of it while it lasts. What `lasts` is as it is until somebody
 * changes a setting, so it is said once.
 */
export type Problem = { readonly matter: string; readonly message: string; readonly lasts?: boolean }

type Troubled = { readonly evaluator: Pick<Evaluator, 'trouble'>; readonly vault: Pick<OpenVault, 'behind'> }

export function problemsOf({ evaluator, vault }: Troubled, signals: Pick<Signals, 'stats' | 'shortWindows'>): readonly Problem[] {
  const { overflow, missing } = evaluator.trouble()
  const { seriesOverflow, logOverflow } = signals.stats()
  const behind = vault.behind() ?? 0
  const counted: readonly (readonly [matter: string, count: number, message: string])[] = [
    ['alerts', overflow, `rules have more alerts than are kept (left out: ${overflow}): tell them apart by fewer labels`],
    ['series', seriesOverflow, `there are too many series for alerts (points left out: ${seriesOverflow}): signals are too low`],
    ['log records', logOverflow, `there are too many log records that count (left out: ${logOverflow}): counts are too low`],
    ['database', behind, `the database does not have all that alerts remember (changes in the file alone: ${behind})`],
  ]
  return [
    ...(missing.length > 0 ? [nobodyAt(missing)] : []),
    ...signals.shortWindows().map(({ signal, windowMs, intervalMs }) => ({
      matter: `window ${signal} ${windowMs}`,
      message: `${signal} is asked for over ${windowMs / 1_000} s, and its data comes every ${Math.round(intervalMs / 1_000)} s: a window should hold two intervals. Widen it, or lower METRICS_COLLECTION_INTERVAL`,
    })),
    ...counted.flatMap(([matter, count, message]) => (count > 0 ? [{ matter, message }] : [])),
  ]
}

function nobodyAt(missing: readonly string[]): Problem {
  const names = missing.join(', ')
  const message = `rules name channels that are not set up (${names}): alerts for them go nowhere. Set SLACK_WEBHOOK_URL, ALERT_WEBHOOK_URL or SMTP_URL, or name others in the rules`
  return { matter: `channels ${names}`, message, lasts: true }
}
