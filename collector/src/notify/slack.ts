import { setTimeout as sleep } from 'node:timers/promises'
import type { Send } from '../../../src/wire/outcome.ts'
import type { Notification } from '../notification.ts'
import { deliver } from './answer.ts'
import { type Answer, createPost, type Outside } from './post.ts'
import { slackBody } from './slack-body.ts'

export type SlackOptions = {
  /** An incoming webhook. All of it is a secret. */
  readonly url: URL
  readonly ca?: string | undefined
}

/** Slack takes a message a second from a webhook: https://docs.slack.dev/apis/web-api/rate-limits */
const INTERVAL_MS = 1_000

/** Posts to an incoming webhook of Slack, no faster than it takes them. Throws when the guard forbids the address. */
export function createSlack({ url, ca }: SlackOptions, outside: Outside): Send<Notification> {
  const post = createPost(url, outside, ca)
  const turn = createTurns(INTERVAL_MS)

  return async function sendToSlack(notification, signal) {
    try {
      await turn(signal)
    } catch (cause) {
      return { kind: 'retry', error: new Error(`${post.name} was not asked: the attempt ended while it waited for its turn`, { cause }) }
    }
    return await deliver(post, { body: slackBody(notification) }, signal, explain)
  }
}

/** Gives turns that are `intervalMs` apart, by a clock that nobody sets. Rejects when `signal` aborts first. */
function createTurns(intervalMs: number): (signal: AbortSignal) => Promise<void> {
  let freeAtMs = 0
  return async function turn(signal) {
    const nowMs = performance.now()
    const startMs = Math.max(nowMs, freeAtMs)
    freeAtMs = startMs + intervalMs
    if (startMs > nowMs) await sleep(startMs - nowMs, undefined, { signal })
  }
}

/** Slack's own words: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors */
const KNOWN: Readonly<Record<string, string>> = {
  no_service: 'the webhook was removed or turned off: make a new one',
  no_service_id: 'the webhook was removed or the address was copied in part: make a new one',
  no_team: 'the address is not that of a webhook: copy it again',
  invalid_token: 'the webhook was revoked: make a new one',
  team_disabled: 'the workspace is disabled',
  channel_not_found: 'its channel does not exist any more: make a webhook for another',
  channel_is_archived: 'its channel is archived: make a webhook for another',
  action_prohibited: 'an administrator forbids it',
  posting_to_general_channel_denied: 'only administrators may post to this channel',
  user_not_found: 'its user does not exist any more: make a new webhook',
  invalid_payload: 'it cannot read the message, which is a fault of the collector: please report it',
  rate_limited: 'it gets more than it takes',
}

function explain({ body }: Answer): string {
  const word = body.trim()
  return Object.hasOwn(KNOWN, word) ? `; Slack says ${word}: ${KNOWN[word]}` : ''
}
