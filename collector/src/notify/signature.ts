import { createHmac } from 'node:crypto'
import type { WebhookSecret } from '../webhook-secret.ts'

export type Signed = { readonly id: string; readonly atMs: number; readonly body: string }

/**
 * The headers of Standard Webhooks 1.0.0: who receives it can tell that it is ours, that it is new, and whether it came before.
 * With several secrets there is a signature of each, so that one can be replaced without a gap; without any there is none.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function signatureHeaders({ id, atMs, body }: Signed, secrets: readonly WebhookSecret[]): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(atMs / 1_000))
  const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp }
  const signatures = secrets.map((secret) => `v1,${createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64')}`)
  return signatures.length === 0 ? headers : { ...headers, 'webhook-signature': signatures.join(' ') }
}
