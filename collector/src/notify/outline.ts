import type { Alert, Labels, Notification, NotificationReason } from '../notification.ts'
import { isoTime, readable } from '../readable.ts'

/** What a notification says to a person, before it is Slack, HTML or plain text: nothing is escaped. */
export type Outline = {
  /** `🚨 WARNING: Alert: High Error Rate`. */
  readonly headline: string
  /** One sentence; '' where the rule has none. */
  readonly summary: string
  readonly description: string
  readonly facts: readonly Fact[]
  readonly links: readonly Link[]
  /** One line for each alert of a group of several, firing ones first. */
  readonly instances: readonly string[]
  /** Alerts beyond these. */
  readonly instancesLeft: number
}

export type Fact = { readonly name: string; readonly value: string }
export type Link = { readonly name: string; readonly url: string }

/** What a person reads; the rest is counted. */
const INSTANCES_MAX = 20

const SUFFIX: Readonly<Record<NotificationReason, string>> = {
  first: '',
  more_instances: ' (more instances)',
  severity_raised: ' (more severe)',
  repeat: ' (still firing)',
  resolved: '',
}

/** Begins as people and filters expect it: `🚨 SEVERITY: Alert: name`, or `✅ RESOLVED: Alert: name`. */
export function headlineOf({ rule, severity, status, reason, test }: Notification): string {
  const state = status === 'firing' ? `🚨 ${severity.toUpperCase()}` : '✅ RESOLVED'
  return `${state}: Alert: ${rule}${SUFFIX[reason]}${test ? ' (test)' : ''}`
}

export function toOutline(notification: Notification): Outline {
  const { alerts } = notification
  const annotations = commonOf(alerts.map((alert) => alert.annotations))
  const { summary = '', description = '', ...others } = annotations
  const ordered = alerts.toSorted((a, b) => Number(b.status === 'firing') - Number(a.status === 'firing'))
  const shown = alerts.length > 1 ? ordered.slice(0, INSTANCES_MAX) : []
  return {
    headline: headlineOf(notification),
    summary,
    description,
    facts: [...factsOf(notification), ...textsOf(others)],
    links: linksOf(others),
    instances: shown.map((alert) => describe(alert, notification.groupLabels)),
    instancesLeft: alerts.length > 1 ? alerts.length - shown.length : 0,
  }
}

/** The entries that are the same in all of them. */
export function commonOf(maps: readonly Labels[]): Labels {
  const [first = {}, ...rest] = maps
  return Object.fromEntries(Object.entries(first).filter(([name, value]) => rest.every((map) => map[name] === value)))
}

function factsOf({ alerts, groupLabels, metrics, status }: Notification): Fact[] {
  const starts = alerts.map(({ startsAtMs }) => startsAtMs)
  const ends = alerts.flatMap(({ endsAtMs }) => endsAtMs ?? [])
  return [
    ...Object.entries(metrics).map(([name, value]) => ({ name, value: value === null ? 'no data' : readable(value) })),
    ...Object.entries(groupLabels).flatMap(([name, value]) => (name === 'alertname' ? [] : { name, value })),
    ...(starts.length === 0 ? [] : [{ name: 'since', value: isoTime(Math.min(...starts)) }]),
    ...(status === 'firing' || ends.length === 0 ? [] : [{ name: 'until', value: isoTime(Math.max(...ends)) }]),
  ]
}

/** Annotations that are no links: trace ids, names of teams. */
function textsOf(annotations: Labels): Fact[] {
  return Object.entries(annotations).flatMap(([name, value]) => (value === '' || toUrl(value) !== undefined ? [] : { name, value }))
}

/** Annotations that are addresses: the runbook, a dashboard. */
function linksOf(annotations: Labels): Link[] {
  return Object.entries(annotations).flatMap(([name, value]) => {
    const url = toUrl(value)
    return url === undefined ? [] : { name, url }
  })
}

/** Only what leads to a page: a link that runs a script or opens a file is no link. */
function toUrl(text: string): string | undefined {
  const url = /^https?:\/\//i.test(text) ? URL.parse(text) : null
  return url?.href
}

/** What tells this alert from the others of its group, and its value. */
function describe({ status, labels, value }: Alert, groupLabels: Labels): string {
  const own = Object.entries(labels).filter(([name]) => name !== 'alertname' && name !== 'severity' && groupLabels[name] === undefined)
  const named = own.map(([name, text]) => `${name}=${text}`).join(', ')
  return `${status === 'firing' ? '🚨' : '✅'} ${named || 'the whole'}: ${value === null ? 'no data' : readable(value)}`
}
