import { createHash } from 'node:crypto'
import type { NodemailerError, SendMailOptions } from 'nodemailer'
import type { Outcome, Send } from '../../../src/wire/outcome.ts'
import type { Notification } from '../notification.ts'
import type { SmtpServer } from '../smtp-server.ts'
import { htmlBody, textBody } from './email-body.ts'
import { toOutline } from './outline.ts'
import type { Outside } from './post.ts'
import { createSmtp, describeSmtpError } from './smtp.ts'

export type EmailOptions = {
  readonly server: SmtpServer
  /** An address alone. */
  readonly from: string
  /** Addresses alone; nobody else is ever written to. */
  readonly to: readonly string[]
  readonly ca?: string | undefined
}

/** Notifications whose recipients are remembered while some of them have not got theirs; each is some 100 bytes. */
const PARTIAL_MAX = 1_000

/**
 * Writes a mail to all of `to`, as a server takes it: whoever a server puts off gets it at a later attempt, the others do not get it again.
 * An attempt without an answer can put a mail into a mailbox twice; both have the same Message-ID. Throws when the guard forbids the server.
 */
export function createEmail({ server, from, to, ca }: EmailOptions, outside: Outside): Send<Notification> {
  const smtp = createSmtp(server, outside.guard, ca)
  /** Of notifications that only some have got: who is not to be asked again. */
  const settled = new Map<string, Set<string>>()

  return async function sendMail(notification, signal) {
    const done = settled.get(notification.id) ?? new Set()
    const recipients = to.filter((address) => !done.has(address))
    try {
      const { rejectedErrors = [] } = await smtp.sendMail({
        ...toMail(notification, { from, to }),
        envelope: { from, to: recipients },
        signal,
      })
      return finish(notification.id, { recipients, done, refusals: rejectedErrors })
    } catch (error) {
      return toFailure(error, smtp.name, signal)
    }
  }

  function finish(id: string, { recipients, done, refusals }: Sent): Outcome {
    const late = new Set(refusals.flatMap(({ permanent, recipient }) => (permanent === true ? [] : (recipient ?? []))))
    for (const address of recipients) if (!late.has(address)) done.add(address)
    settled.delete(id)
    const message = `${smtp.name} did not take it for ${refusals.map((refusal) => `${refusal.recipient} (${describeSmtpError(refusal)})`).join(', ')}`
    if (late.size > 0) {
      settled.set(id, done)
      const [oldest] = settled.keys()
      if (settled.size > PARTIAL_MAX && oldest !== undefined) settled.delete(oldest)
      return { kind: 'retry', error: new Error(message) }
    }
    return refusals.length === 0 ? { kind: 'ok' } : { kind: 'ok', rejected: { count: refusals.length, message } }
  }
}

type Sent = { readonly recipients: readonly string[]; readonly done: Set<string>; readonly refusals: readonly NodemailerError[] }

/** Nobody has got it. */
function toFailure(cause: unknown, name: string, signal: AbortSignal): Outcome {
  const failure = signal.aborted ? signal.reason : cause
  const fault: NodemailerError = failure instanceof Error ? failure : new Error(String(failure))
  const error = new Error(`${name}: ${describeSmtpError(fault)}`, { cause })
  const isPermanent = fault.permanent === true && (fault.rejectedErrors ?? []).every(({ permanent }) => permanent === true)
  return isPermanent ? { kind: 'drop', reason: 'refused', error } : { kind: 'retry', error }
}

type Addresses = { readonly from: string; readonly to: readonly string[] }

/** All mails about one group of alerts answer the same message, which nobody has sent: mail programs show them as one conversation, if the subject is the same too. */
function toMail(notification: Notification, { from, to }: Addresses): SendMailOptions {
  const { id, groupKey, status, severity, atMs, test } = notification
  const outline = toOutline(notification)
  const domain = from.slice(from.lastIndexOf('@') + 1)
  const thread = `<alert-${digest(test ? `test ${groupKey}` : groupKey)}@${domain}>`
  return {
    from: { name: 'tts-otel alerts', address: from },
    to: to.map((address) => ({ name: '', address })),
    subject: subjectOf(notification),
    text: textBody(outline),
    html: htmlBody(outline),
    date: new Date(atMs),
    messageId: `<${digest(id)}@${domain}>`,
    inReplyTo: thread,
    references: thread,
    headers: {
      'Auto-Submitted': 'auto-generated', // RFC 3834: nobody's absence answers it
      'X-Auto-Response-Suppress': 'All',
      'X-Alert-Status': status,
      'X-Alert-Severity': severity,
      ...(severity === 'critical' && status === 'firing' && { Importance: 'high', 'X-Priority': '1' }),
    },
    xMailer: false,
  }
}

/** The same for every mail of the group, whatever its state: that stands in the first line of the text. */
function subjectOf({ rule, groupLabels, test }: Notification): string {
  const labels = Object.entries(groupLabels).flatMap(([name, value]) => (name === 'alertname' ? [] : [`${name}=${value}`]))
  const subject = `Alert: ${rule}${labels.length === 0 ? '' : ` (${labels.join(', ')})`}${test ? ' (test)' : ''}`
  return subject.replace(/\p{C}+/gu, ' ').slice(0, 200)
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}
