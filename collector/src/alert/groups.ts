import { isDeepStrictEqual } from 'node:util'
import type { Alert, AlertSeverity, Notification, NotificationReason } from '../notification.ts'
import type { Rule } from './rule.ts'
import { rankOf, worstOf } from './severity.ts'
import type { GroupState } from './state.ts'

/** An instance that somebody should know of, as receivers would see it. */
export type Member = {
  readonly key: string
  /** Made when somebody is told. */
  readonly alert: () => Alert
  readonly severity: AlertSeverity
  /** Neither silenced, muted nor inhibited. */
  readonly isVisible: boolean
}

export type GroupNow = {
  readonly rule: Rule
  /** Those that fire, sorted by key. */
  readonly firing: readonly Member[]
  /** When those that have ended did, by key. */
  readonly ended: ReadonlyMap<string, () => Alert>
}

/** What is to be told of a group, if anything, and what is remembered of it: undefined when it is over. */
export type GroupStep = {
  readonly group: GroupState | undefined
  readonly told: Pick<Notification, 'reason' | 'severity' | 'alerts' | 'channels'> | undefined
}

/** Decides about one group. What was told is always told to be over; everything else waits until somebody may see it. */
export function advanceGroup(before: GroupState, { rule, firing, ended }: GroupNow, nowMs: number): GroupStep {
  const isTold = ({ key }: Member): boolean => Object.hasOwn(before.told, key)
  const fresh = firing.filter((member) => member.isVisible && !isTold(member))
  const known = firing.filter(isTold)
  const isKnown = new Set(known.map(({ key }) => key))
  // With the labels that were told: receivers know an alert by them.
  const over = Object.entries(before.told).flatMap(([key, alert]) =>
    isKnown.has(key) ? [] : [() => ({ ...(ended.get(key)?.() ?? endOf(alert, nowMs)), labels: alert.labels })],
  )
  const waitingSinceMs = fresh.length === 0 ? undefined : (before.waitingSinceMs ?? nowMs)
  const visible = [...known.filter(({ isVisible }) => isVisible), ...fresh]
  const severity = worstOf([...(known.length > 0 ? [before.severity] : []), ...visible.map((member) => member.severity)])
  const reason = findReason({ before, rule, fresh, known, over, severity, waitingSinceMs, nowMs })

  if (reason === undefined) {
    if (fresh.length === 0 && known.length === 0 && over.length === 0) return { group: undefined, told: undefined }
    const { waitingSinceMs: _, ...rest } = before
    return { group: { ...rest, ...(waitingSinceMs !== undefined && { waitingSinceMs }) }, told: undefined }
  }
  const members = [...known, ...fresh]
  const told = Object.fromEntries(members.map(({ key, alert }) => [key, alert()]))
  const isOver = members.length === 0
  const shown = Object.entries(told).map(([key, alert]) => withFormer(alert, before.told[key]))
  const alerts = [...shown, ...over.map((alert) => alert())]
  const channels = channelsOf(before, rule)
  return {
    group: isOver ? undefined : { labels: before.labels, told, severity, toldAtMs: nowMs, channels },
    told: { reason, severity: isOver ? before.severity : severity, alerts, channels },
  }
}

/** A channel that was told of it is told until it is over, whatever the rule names meanwhile. */
function channelsOf({ told, channels }: GroupState, rule: Rule): readonly string[] {
  return Object.keys(told).length === 0 ? rule.channels : [...new Set([...channels, ...rule.channels])]
}

/** With what it was told with before, where its labels have changed: it is worse, or the file gives it others. */
function withFormer(alert: Alert, before: Alert | undefined): Alert {
  const isSame = before === undefined || isDeepStrictEqual(alert.labels, before.labels)
  return isSame ? alert : { ...alert, formerLabels: before.labels }
}

type Facts = {
  readonly before: GroupState
  readonly rule: Rule
  readonly fresh: readonly Member[]
  readonly known: readonly Member[]
  readonly over: readonly (() => Alert)[]
  readonly severity: AlertSeverity
  readonly waitingSinceMs: number | undefined
  readonly nowMs: number
}

/** The one reason; of several the first in this order. */
function findReason({ before, rule, fresh, known, over, severity, waitingSinceMs, nowMs }: Facts): NotificationReason | undefined {
  const hasWaited = waitingSinceMs !== undefined && nowMs - waitingSinceMs >= rule.groupWaitMs
  const isOpen = Object.keys(before.told).length > 0
  if (!isOpen) return hasWaited ? 'first' : undefined
  if (known.length === 0) return fresh.length > 0 ? 'more_instances' : 'resolved'
  const isVisible = known.some((member) => member.isVisible)
  if (rankOf(severity) > rankOf(before.severity) && (isVisible || hasWaited)) return 'severity_raised'
  if (hasWaited) return 'more_instances'
  if (over.length > 0) return 'resolved'
  if (!isVisible) return undefined
  return nowMs - before.toldAtMs >= rule.repeatIntervalMs ? 'repeat' : undefined
}

/** Of an instance that is there no more: its labels have changed, or its rule is gone. */
export function endOf(alert: Alert, nowMs: number): Alert {
  return { ...alert, status: 'resolved', endsAtMs: Math.max(nowMs, alert.startsAtMs) }
}
