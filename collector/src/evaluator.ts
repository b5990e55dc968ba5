import type { Silence } from './alert/silence.ts'
import { type AlertState, createAlertState } from './alert/state.ts'
import { step } from './alert/step.ts'
import { HISTORY_ENTRIES_MAX, type HistoryEntry, historyBetween } from './alert-history.ts'
import type { Notification } from './notification.ts'
import type { RecordChange } from './record.ts'
import type { RuleBook } from './rule-book.ts'
import type { ReadSignals } from './signal.ts'
import type { VaultDeliveries } from './vault/deliveries.ts'
import type { Vault } from './vault/vault.ts'

export type EvaluatorOptions = {
  readonly vault: Vault
  readonly deliveries: Pick<VaultDeliveries, 'together'>
  /** Resolves when they will be delivered. */
  readonly accept: (notifications: readonly Notification[]) => Promise<void>
  readonly book: () => RuleBook
  /** Names of the channels that there are. */
  readonly channels: () => ReadonlySet<string>
  readonly read: ReadSignals
  /** ms since 1970. */
  readonly now: () => number
  readonly intervalMs: number
  /** Since when signals are filled, ms since 1970; a clock that is set back takes it with it. */
  readonly signalsSinceMs: () => number
  /** For how long from then on processes may not have told their figures yet, in ms. */
  readonly settleMs: () => number
}

export type Evaluator = {
  /** Looks at every rule once. Rejects when what came of it cannot be kept: then nothing has happened, and the next look sees it again. */
  check(): Promise<void>
  readonly state: () => AlertState
  /** What rules see. */
  readonly read: ReadSignals
  /** Those that have not ended, beside those of the rules file. */
  readonly silences: () => readonly Silence[]
  /** Newest first. */
  readonly history: (limit: number) => readonly HistoryEntry[]
  /** Alerts that the last look left out because their rule has too many; channels that rules name and nobody set up, in order. */
  readonly trouble: () => { readonly overflow: number; readonly missing: readonly string[] }
}

/** Where the state is kept; silences and history stand under their ids. */
const STATE = { kind: 'state', key: 'alerts' } as const
export const SILENCE = 'silence'
const HISTORY = 'history'

/** The state machine of the rules, its memory in a vault: a process that is killed at any point tells nothing twice and forgets nothing. */
export function createEvaluator(options: EvaluatorOptions): Evaluator {
  const { vault, deliveries, accept, book, channels, now, intervalMs, signalsSinceMs, settleMs } = options
  let state = readState(vault, now())
  let overflow = 0
  let lastMs: number | undefined

  function read(query: Parameters<ReadSignals>[0], atMs: number): ReturnType<ReadSignals> {
    if (query.signal !== 'evaluation_delay') return options.read(query, atMs)
    return [{ labels: {}, value: lastMs === undefined ? 0 : Math.max(0, atMs - lastMs - intervalMs) / 1_000 }]
  }

  function silences(): readonly Silence[] {
    return [...vault.all(SILENCE).values()].map((text): Silence => JSON.parse(text)).filter(({ endsAtMs }) => endsAtMs > now())
  }

  function deliverable(notification: Notification): Notification {
    const known = channels()
    return { ...notification, channels: notification.channels.filter((name) => known.has(name)) }
  }

  function missing(): readonly string[] {
    const known = channels()
    return [...new Set(book().rules.rules.flatMap((rule) => rule.channels))].filter((name) => !known.has(name)).sort()
  }

  return {
    async check() {
      const nowMs = now()
      const next = step({
        state,
        rules: book().rules,
        silences: silences(),
        read,
        nowMs,
        signalsSinceMs: signalsSinceMs(),
        settleMs: settleMs(),
      })
      const notifications = next.notifications.map(deliverable)
      const changes = [
        put(STATE.kind, STATE.key, next.state),
        ...historyChanges(vault, historyBetween(state, next.state)),
        ...ended(vault, nowMs),
      ]
      const told = notifications.filter((one) => one.channels.length > 0)
      if (told[0] !== undefined) {
        deliveries.together(told[0].id, changes)
        await accept(told)
      }
      // Also when all of it was known already: a crash may have come between the two.
      await vault.write(() => ({ changes: changes.filter(({ kind, key, text }) => vault.get(kind, key) !== text), result: undefined }))
      state = next.state
      overflow = next.overflow
      lastMs = nowMs
    },
    state: () => state,
    read,
    silences,
    history: (limit) =>
      [...vault.all(HISTORY).values()]
        .slice(-limit)
        .map((text): HistoryEntry => JSON.parse(text))
        .toReversed(),
    trouble: () => ({ overflow, missing: missing() }),
  }
}

function readState(vault: Vault, nowMs: number): AlertState {
  const text = vault.get(STATE.kind, STATE.key)
  return text === undefined ? createAlertState(nowMs) : JSON.parse(text)
}

function historyChanges(vault: Vault, entries: readonly HistoryEntry[]): readonly RecordChange[] {
  if (entries.length === 0) return []
  const known = [...vault.all(HISTORY).keys()]
  const gone = known.slice(0, Math.max(0, known.length + entries.length - HISTORY_ENTRIES_MAX))
  return [
    ...gone.map((key) => ({ kind: HISTORY, key, text: undefined })),
    ...entries.slice(-HISTORY_ENTRIES_MAX).map((entry) => put(HISTORY, entry.id, entry)),
  ]
}

/** Silences that have ended. */
function ended(vault: Vault, nowMs: number): readonly RecordChange[] {
  return [...vault.all(SILENCE)]
    .filter(([, text]) => (JSON.parse(text) as Silence).endsAtMs <= nowMs)
    .map(([key]) => ({ kind: SILENCE, key, text: undefined }))
}

function put(kind: string, key: string, value: unknown): RecordChange {
  return { kind, key, text: JSON.stringify(value) }
}
