/** How bad it is, mildest first. */
export const ALERT_SEVERITIES = ['info', 'warning', 'error', 'critical'] as const
export type AlertSeverity = (typeof ALERT_SEVERITIES)[number]

/** Why somebody is told; each notification has exactly one reason. */
export type NotificationReason = 'first' | 'more_instances' | 'severity_raised' | 'repeat' | 'resolved'

/** Names to values, as in Alertmanager. */
export type Labels = Readonly<Record<string, string>>

/** One instance of a rule: the labels for which its condition holds, or held. Times are ms since 1970. */
export type Alert = {
  readonly status: 'firing' | 'resolved'
  /** `alertname`, `severity`, the rule's own labels and those it is grouped by. */
  readonly labels: Labels
  /** `summary`, `description`, `runbook` and others, their placeholders filled in. */
  readonly annotations: Labels
  readonly startsAtMs: number
  /** undefined while it fires. */
  readonly endsAtMs: number | undefined
  /** What the condition compared last; null without data. */
  readonly value: number | null
  /** 16 hex digits made of the labels: the same in every notification about this instance. */
  readonly fingerprint: string
  /** What it was told with last, where that was different: whoever knows an alert by its labels has to end that one. */
  readonly formerLabels?: Labels
}

/** What the evaluator decides and a channel delivers: one group of alerts of one rule, for one reason. */
export type Notification = {
  /** The same at each attempt, on each channel and after a restart, so that a receiver can tell what it has seen. */
  readonly id: string
  /** The rule and the labels of the group: one thread of messages, one incident. */
  readonly groupKey: string
  readonly groupLabels: Labels
  readonly reason: NotificationReason
  /** `resolved` when every alert of the group is. */
  readonly status: 'firing' | 'resolved'
  /** Name of the rule. */
  readonly rule: string
  readonly severity: AlertSeverity
  /** Names of channels. */
  readonly channels: readonly string[]
  readonly alerts: readonly Alert[]
  /** The signals that the condition names, by the name that it gives them; null without data. */
  readonly metrics: Readonly<Record<string, number | null>>
  readonly atMs: number
  /** Sent by a person to try a channel out. */
  readonly test: boolean
}
