import type { Outcome } from '../../../src/wire/outcome.ts'
import { asError } from '../as-error.ts'
import type { Answer, Message, Post } from './post.ts'

/** What a receiver's own words or a status mean, as the end of a message; '' for what is not known. Never the words themselves. */
export type Explain = (answer: Answer) => string

/** Sends and says what came of it. Never rejects. */
export async function deliver(post: Post, message: Message, signal: AbortSignal, explain: Explain = () => ''): Promise<Outcome> {
  try {
    return toOutcome(await post.send(message, signal), post.name, explain)
  } catch (error) {
    return { kind: 'retry', error: asError(error) }
  }
}

/**
 * Decides what an answer means, as Standard Webhooks and Alertmanager do: everything that may pass is tried again.
 *
 *     2xx ─► ok      408 425 429 5xx ─► retry, not before Retry-After      3xx, 4xx ─► refused
 */
export function toOutcome(answer: Answer, name: string, explain: Explain): Outcome {
  const { status, afterMs } = answer
  if (status >= 200 && status < 300) return { kind: 'ok' }
  const error = new Error(`${name} answered ${status}${explain(answer) || advise(status)}`)
  const mayPass = status === 408 || status === 425 || status === 429 || status >= 500
  if (!mayPass) return { kind: 'drop', reason: 'refused', error }
  return afterMs === undefined ? { kind: 'retry', error } : { kind: 'retry', afterMs, error }
}

function advise(status: number): string {
  if (status >= 300 && status < 400) return '; redirects are not followed: set the final address'
  if (status === 401 || status === 403) return '; set the right token or secret for this channel'
  if (status === 404 || status === 410) return '; nothing takes alerts at this address any more, or it was copied in part'
  if (status === 413) return '; the alert is too large for it'
  return ''
}
