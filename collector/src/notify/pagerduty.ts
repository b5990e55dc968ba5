import { createHash } from 'node:crypto'
import type { Send } from '../../../src/wire/outcome.ts'
import type { Notification } from '../notification.ts'
import { isoTime } from '../readable.ts'
import { deliver } from './answer.ts'
import { toOutline } from './outline.ts'
import { createPost, type Outside } from './post.ts'

export type PagerDutyOptions = {
  /** Of the integration "Events API v2" of a service. */
  readonly routingKey: string
  readonly url: URL
  readonly ca?: string | undefined
}

export const PAGERDUTY_URL = 'https://events.pagerduty.com/v2/enqueue'

const DEDUP_KEY_CHARS_MAX = 255
const SUMMARY_CHARS_MAX = 1_024

/**
 * One incident for each group of alerts: opened by the first notification, told more by those that follow, closed by `resolved`.
 * Sending again changes nothing. https://developer.pagerduty.com/docs/send-alert-event
 */
export function createPagerDuty({ routingKey, url, ca }: PagerDutyOptions, outside: Outside): Send<Notification> {
  const post = createPost(url, outside, ca)
  return async function sendToPagerDuty(notification, signal) {
    return await deliver(post, { body: JSON.stringify(toEvent(notification, routingKey)) }, signal)
  }
}

function toEvent(notification: Notification, routingKey: string) {
  const { status, severity, groupKey, groupLabels, rule, alerts, metrics, atMs, reason, test } = notification
  // A test must not become one with a real incident.
  const dedup_key = dedupKeyOf(test ? `test: ${groupKey}` : groupKey)
  if (status === 'resolved') return { routing_key: routingKey, event_action: 'resolve', dedup_key }
  const { headline, summary, description, facts, links, instances, instancesLeft } = toOutline(notification)
  return {
    routing_key: routingKey,
    event_action: 'trigger',
    dedup_key,
    client: 'tts-otel-collector',
    payload: {
      summary: [...`${headline}${summary && `: ${summary}`}`].slice(0, SUMMARY_CHARS_MAX).join(''),
      source: groupLabels.instance ?? groupLabels.service ?? alerts[0]?.labels.service ?? 'tts-otel-collector',
      severity,
      timestamp: isoTime(atMs),
      group: groupKey,
      class: rule,
      custom_details: {
        description,
        reason,
        metrics,
        facts: Object.fromEntries(facts.map(({ name, value }) => [name, value])),
        instances,
        instancesLeft,
      },
    },
    links: links.map(({ name, url }) => ({ href: url, text: name })),
  }
}

function dedupKeyOf(groupKey: string): string {
  return groupKey.length <= DEDUP_KEY_CHARS_MAX ? groupKey : createHash('sha256').update(groupKey).digest('hex')
}
