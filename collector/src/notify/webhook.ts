import type { Send } from '../../../src/wire/outcome.ts'
import type { Notification } from '../notification.ts'
import type { WebhookSecret } from '../webhook-secret.ts'
import { alertmanagerBody } from './alertmanager-body.ts'
import { deliver } from './answer.ts'
import { plainBody } from './plain-body.ts'
import { createPost, type Outside } from './post.ts'
import { signatureHeaders } from './signature.ts'

export type WebhookOptions = {
  /** Of the channel; Alertmanager calls it the receiver. */
  readonly name: string
  readonly url: URL
  readonly format: 'alertmanager' | 'plain'
  /** The newest first. */
  readonly secrets: readonly WebhookSecret[]
  /** Shown as `Authorization: Bearer …`. */
  readonly token?: string | undefined
  /** PEM; trusted instead of the certificates of Node. */
  readonly ca?: string | undefined
}

/** Posts JSON to an address of the operator's, with `webhook-id`, the same at every attempt. Throws when the guard forbids the address. */
export function createWebhook({ name, url, format, secrets, token, ca }: WebhookOptions, outside: Outside): Send<Notification> {
  const post = createPost(url, outside, ca)
  const authorization = token === undefined ? undefined : { authorization: `Bearer ${token}` }

  return async function sendWebhook(notification, signal) {
    const body = format === 'plain' ? plainBody(notification) : alertmanagerBody(notification, name)
    const signed = { id: headerText(notification.id), atMs: outside.now(), body }
    return await deliver(post, { body, headers: { ...signatureHeaders(signed, secrets), ...authorization } }, signal)
  }
}

/** Headers take visible ASCII only; the names of rules are any text. */
export function headerText(text: string): string {
  return /^[\x21-\x7e]+$/.test(text) ? text : encodeURIComponent(text.toWellFormed())
}
