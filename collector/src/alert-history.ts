import { type AlertState, ruleStateOf } from './alert/state.ts'
import type { AlertSeverity, Labels } from './notification.ts'

/** An alert that began to fire, or that ended. Told of or not: a silence hides notifications, not what happened. */
export type HistoryEntry = {
  readonly id: string
  /** ms since 1970. */
  readonly atMs: number
  readonly event: 'firing' | 'resolved'
  readonly rule: string
  readonly severity: AlertSeverity
  readonly labels: Labels
  /** Since when the condition had held. */
  readonly sinceMs: number
  /** Of the rule's signals; null without data. */
  readonly values: readonly (number | null)[]
}

/** More are of no use to a person; some 300 bytes each. */
export const HISTORY_ENTRIES_MAX = 1_000

/** What happened between two states. */
export function historyBetween(before: AlertState, after: AlertState): readonly HistoryEntry[] {
  const rules = new Set([...Object.keys(before.rules), ...Object.keys(after.rules)])
  return [...rules].flatMap((rule) => {
    const [old, now] = [ruleStateOf(before, rule)?.instances ?? {}, ruleStateOf(after, rule)?.instances ?? {}]
    const instances = new Set([...Object.keys(old), ...Object.keys(now)])
    return [...instances].flatMap((key): readonly HistoryEntry[] => {
      const [was, is] = [old[key]?.phase === 'firing', now[key]?.phase === 'firing']
      const instance = now[key] ?? old[key]
      if (was === is || instance === undefined) return []
      const { labels, sinceMs, severity, values } = instance
      const event = is ? 'firing' : 'resolved'
      return [{ id: `${after.atMs} ${event} ${rule}${key}`, atMs: after.atMs, event, rule, severity, labels, sinceMs, values }]
    })
  })
}
