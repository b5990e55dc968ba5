import type { Notification } from '../../../collector/src/notification.ts'
import type { Outcome, Send } from '../../../src/wire/outcome.ts'

/** A channel whose far end is in the test's hand. */
export type TestChannel = {
  readonly send: Send<Notification>
  /** What has arrived, in order. */
  readonly arrived: Notification[]
  /** Ids of all attempts. */
  readonly attempts: string[]
  /** What the next attempts meet. */
  answer: (notification: Notification, signal: AbortSignal) => Outcome | Promise<Outcome>
}

export const ok: Outcome = { kind: 'ok' }
export const down: Outcome = { kind: 'retry', error: new Error('connect ECONNREFUSED') }

export function testChannel(answer: TestChannel['answer'] = () => ok): TestChannel {
  const channel: TestChannel = {
    arrived: [],
    attempts: [],
    answer,
    async send(notification, signal) {
      channel.attempts.push(notification.id)
      const outcome = await channel.answer(notification, signal)
      if (outcome.kind === 'ok') channel.arrived.push(notification)
      return outcome
    },
  }
  return channel
}
