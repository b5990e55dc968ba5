import type { Explanation } from './alert/explain.ts'
import type { HistoryEntry } from './alert-history.ts'
import type { DeliveryLogEntry } from './delivery.ts'
import type { AlertSeverity, Labels } from './notification.ts'

/** What people ask of alerts, and tell them. */
export type AlertDesk = {
  status(): AlertStatus
  /** The part of it that costs nothing, however many rules and series there are. */
  overview(): AlertOverview
  /** Why a rule fires or does not, with the values of now. */
  explain(rule: string): { readonly kind: 'explained'; readonly explanation: Explanation } | Refused
  /** Newest first; undefined while another collector decides. */
  history(limit: number): readonly HistoryEntry[] | undefined
  /** How deliveries ended, newest first; undefined while another collector decides. */
  deliveries(limit: number): Promise<readonly DeliveryLogEntry[] | undefined>
  /** Resolves when it is kept. */
  silence(wish: SilenceWish): Promise<SilenceGranted | Refused>
  /** Sends a notification that is marked as a test to the channels of a rule. */
  test(rule: string): Promise<TestSent | Refused>
}

export type SilenceWish = {
  readonly matchers: Labels
  readonly author: string
  readonly reason: string
  /** ms since 1970. */
  readonly endsAtMs: number
}
export type SilenceGranted = { readonly kind: 'silenced'; readonly id: string }
export type TestSent = { readonly kind: 'sent'; readonly id: string; readonly channels: readonly string[] }
/** `standby`: another collector decides; `unknown`: no such rule; `nobody`: none of its channels is set up. */
export type Refused = { readonly kind: 'refused'; readonly why: 'standby' | 'unknown' | 'nobody'; readonly message: string }

/** How alerts are, without their rules. Times are ms since 1970. */
export type AlertOverview = {
  /** `leading`: this collector decides. `alone`: it does, and the database is away. `standby`: another one does, or may. */
  readonly rank: 'leading' | 'alone' | 'standby'
  /** Of the last look at the rules; undefined before the first. */
  readonly checkedAtMs: number | undefined
  readonly channels: Readonly<Record<string, ChannelStatus>>
  /** What is not as it should be, a sentence each. */
  readonly problems: readonly string[]
}

export type AlertStatus = AlertOverview & {
  readonly rules: readonly RuleStatus[]
  readonly silences: readonly (SilenceWish & { readonly id: string; readonly startsAtMs: number })[]
}

export type RuleStatus = {
  readonly name: string
  readonly condition: string
  readonly severity: AlertSeverity
  readonly channels: readonly string[]
  /** The worst of its instances; `no_data` when its signals have none. */
  readonly state: 'inactive' | 'pending' | 'firing' | 'no_data'
  readonly instances: readonly {
    readonly labels: Labels
    readonly state: 'pending' | 'firing'
    readonly severity: AlertSeverity
    readonly sinceMs: number
    /** When the condition was last seen to hold. */
    readonly heldAtMs: number
    /** By the signals of the rule. */
    readonly values: Readonly<Record<string, number | null>>
  }[]
  /** What its signals say now, fires it or not: for each combination of labels. */
  readonly readings: readonly { readonly labels: Labels; readonly signal: string; readonly value: number }[]
}

export type ChannelStatus = {
  readonly waiting: number
  readonly delivered: number
  readonly dead: number
  readonly retries: number
  readonly failing: boolean
}
