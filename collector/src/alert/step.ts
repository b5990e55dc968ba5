import type { Labels, Notification } from '../notification.ts'
import { pickLabels } from '../pick-labels.ts'
import type { ReadSignals } from '../signal.ts'
import { hash, metricsOf, toAlert } from './alert.ts'
import { advanceGroup, endOf, type Member } from './groups.ts'
import { createHiding, type FindHiding } from './hiding.ts'
import { advanceInstances, type Instances } from './instances.ts'
import { createObserver, keyOf } from './observe.ts'
import type { Rule, RuleSet } from './rule.ts'
import type { Silence } from './silence.ts'
import { type AlertState, type GroupState, type InstanceState, type RuleState, ruleStateOf, shiftState } from './state.ts'

export type StepInput = {
  /** Of the last step, or of `createAlertState`. */
  readonly state: AlertState
  readonly rules: RuleSet
  /** Beyond those of the file. */
  readonly silences?: readonly Silence[]
  readonly read: ReadSignals
  /** ms since 1970. */
  readonly nowMs: number
  /** Since when the signals are filled, after a restart; default: for ever. */
  readonly signalsSinceMs?: number
  /** For how long from then on what fired before is given time to be seen again, and a lack of data means nothing. Default {@link SETTLE_MS}. */
  readonly settleMs?: number
}

export type StepOutput = {
  /** To be kept together with the notifications: one without the other tells twice or never. */
  readonly state: AlertState
  readonly notifications: readonly Notification[]
  /** Alerts that were left out because their rule has too many. */
  readonly overflow: number
}

/**
 * Evaluates every rule once. Pure: the same input gives the same output, and a step that is done again from a state that was kept gives
 * notifications with the same ids. A clock that was set back takes the state with it.
 */
export function step({
  state: given,
  rules,
  silences = [],
  read,
  nowMs,
  signalsSinceMs = Number.NEGATIVE_INFINITY,
  settleMs = SETTLE_MS,
}: StepInput): StepOutput {
  const state = nowMs < given.atMs ? shiftState(given, nowMs - given.atMs) : given
  const moment = { nowMs, sinceMs: signalsSinceMs, settledMs: signalsSinceMs + settleMs }
  const observe = createObserver(read, nowMs)
  const advanced = rules.rules.map((rule) => {
    const before = ruleStateOf(state, rule.name) ?? EMPTY
    return { rule, before, ...advanceInstances(rule, before.instances, observe(rule), moment) }
  })
  const hidingOf = createHiding({ firing: advanced, silences: [...rules.silences, ...silences], nowMs })
  const told: Told[] = []
  const next: (readonly [string, RuleState])[] = []
  for (const one of advanced) {
    const after = advanceRule(one, { findHiding: hidingOf(one.rule), nowMs }, told)
    if (after !== undefined) next.push([one.rule.name, after])
  }
  told.push(...endOrphans(state, rules.rules, nowMs))
  return {
    state: { ...state, atMs: nowMs, sequence: state.sequence + told.length, rules: Object.fromEntries(next) },
    notifications: told.map((one, index) => toNotification(one, { state, sequence: state.sequence + index, nowMs })),
    overflow: advanced.reduce((sum, { overflow }) => sum + overflow, 0),
  }
}

/** Two and a half intervals of the metrics as they come without METRICS_COLLECTION_INTERVAL: by then every process has told its figures. */
export const SETTLE_MS = 150_000

const EMPTY: RuleState = { instances: {}, groups: {} }

type Advanced = { readonly rule: Rule; readonly before: RuleState; readonly instances: Instances; readonly hasData: boolean }

type Context = { readonly findHiding: FindHiding; readonly nowMs: number }

/** What is to be told, without its id. */
type Told = Pick<Notification, 'reason' | 'severity' | 'alerts' | 'channels' | 'metrics' | 'rule'> & {
  readonly groupKey: string
  readonly labels: Labels
}

function advanceRule({ rule, before, instances, hasData }: Advanced, { findHiding, nowMs }: Context, told: Told[]): RuleState | undefined {
  const toMember = (key: string, instance: InstanceState): Member => {
    const isVisible = findHiding(instance) === undefined
    return { key, alert: () => toAlert(rule, instance), severity: instance.severity, isVisible }
  }
  const groups: Record<string, GroupState> = {}
  const kept: Record<string, InstanceState> = {}
  const entries = Object.entries(instances).sort(([a], [b]) => (a < b ? -1 : 1))
  for (const [key, instance] of entries) if (instance.phase === 'pending') kept[key] = instance
  const members = Map.groupBy(
    entries.filter(([, { phase }]) => phase !== 'pending'),
    ([, { labels }]) => keyOf(labels, rule.groupBy),
  )
  for (const groupKey of new Set([...Object.keys(before.groups), ...members.keys()])) {
    const own = members.get(groupKey) ?? []
    const firing = own.filter(([, { phase }]) => phase === 'firing').map(([key, instance]) => toMember(key, instance))
    const ended = new Map(own.filter(([, { phase }]) => phase === 'resolved').map(([key, one]) => [key, () => toAlert(rule, one)]))
    const labels = own[0] === undefined ? {} : pickLabels(own[0][1].labels, rule.groupBy)
    const known = before.groups[groupKey] ?? { labels, told: {}, severity: 'info', toldAtMs: 0, channels: rule.channels }
    const { group, told: news } = advanceGroup(known, { rule, firing, ended }, nowMs)
    if (group !== undefined) groups[groupKey] = group
    if (news !== undefined) {
      const shown = own.find(([, { phase }]) => phase === 'firing') ?? own[0]
      told.push({
        ...news,
        rule: rule.name,
        groupKey: `${rule.name}${groupKey}`,
        labels: known.labels,
        metrics: metricsOf(rule, shown?.[1]),
      })
    }
    for (const [key, instance] of own) if (instance.phase === 'firing' || group?.told[key] !== undefined) kept[key] = instance
  }
  if (hasData && Object.keys(kept).length === 0 && Object.keys(groups).length === 0) return undefined
  return { ...(!hasData && { noDataSinceMs: before.noDataSinceMs ?? nowMs }), instances: kept, groups }
}

/** Rules that are gone, with alerts that somebody was told of. */
function endOrphans(state: AlertState, rules: readonly Rule[], nowMs: number): Told[] {
  const names = new Set(rules.map(({ name }) => name))
  return Object.entries(state.rules).flatMap(([rule, { groups }]) =>
    names.has(rule)
      ? []
      : Object.entries(groups)
          .filter(([, group]) => Object.keys(group.told).length > 0)
          .map(([key, { told, severity, channels, labels }]) => ({
            reason: 'resolved' as const,
            severity,
            alerts: Object.values(told).map((alert) => endOf(alert, nowMs)),
            channels,
            metrics: {},
            rule,
            groupKey: `${rule}${key}`,
            labels,
          })),
  )
}

type Origin = { readonly state: AlertState; readonly sequence: number; readonly nowMs: number }

function toNotification({ labels, ...told }: Told, { state, sequence, nowMs }: Origin): Notification {
  const slug = told.rule
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
  return {
    ...told,
    id: `${slug}-${hash([state.epochMs, sequence, told.groupKey, told.reason])}`,
    groupLabels: { alertname: told.rule, ...labels },
    status: told.alerts.every(({ status }) => status === 'resolved') ? 'resolved' : 'firing',
    atMs: nowMs,
    test: false,
  }
}
