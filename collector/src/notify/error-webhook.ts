import type { Send } from '../../../src/wire/outcome.ts'
import { isErrorReport } from '../error-report.ts'
import type { Notification } from '../notification.ts'
import { deliver } from './answer.ts'
import { plainBody } from './plain-body.ts'
import { createPost, type Outside } from './post.ts'
import { createSlack } from './slack.ts'
import { headerText } from './webhook.ts'

export type ErrorWebhookOptions = { readonly url: URL; readonly ca?: string | undefined }

const SLACK_HOST = /(^|\.)slack(-gov)?\.com$/

/** Where reports of errors go: Slack where the address is one of Slack's, otherwise JSON with the facts of the record. Throws when the guard forbids the address. */
export function createErrorWebhook({ url, ca }: ErrorWebhookOptions, outside: Outside): Send<Notification> {
  if (SLACK_HOST.test(url.hostname)) return createSlack({ url, ca }, outside)
  const post = createPost(url, outside, ca)

  return async function sendError(notification, signal) {
    // That another channel is failing is told here as well.
    const body = isErrorReport(notification) ? reportBody(notification) : plainBody(notification)
    return await deliver(post, { body, headers: { 'webhook-id': headerText(notification.id) } }, signal)
  }
}

/** `{level, message, timestamp (s), id, kind, reason}` and of `service`, `logger`, `error_type`, `trace_id`, `span_id`, `request_id` what the record has. */
function reportBody({ severity, rule, alerts, atMs, id, groupKey }: Notification): string {
  const { labels = {}, annotations = {} } = alerts[0] ?? {}
  const { summary = '', ...facts } = annotations
  const { alertname: _, severity: __, ...origin } = labels
  const [level, timestamp] = [severity.toUpperCase(), atMs / 1_000]
  return JSON.stringify({ level, message: summary, timestamp, id, kind: groupKey, reason: rule, ...origin, ...facts })
}
