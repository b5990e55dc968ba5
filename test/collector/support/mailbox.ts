/** A real SMTP server, with whatever can go wrong there. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import type { Issued } from './authority.ts'

export type Mail = {
  readonly from: string
  readonly to: readonly string[]
  /** As it came over the wire. */
  readonly source: string
  readonly isSecure: boolean
  readonly user: unknown
}

export type Mailbox = {
  readonly port: number
  readonly mails: Mail[]
  /** What `RCPT TO` meets; nothing takes it. */
  refuse: (recipient: string) => { readonly code: number; readonly text: string } | undefined
  /** What the end of `DATA` meets. */
  refuseData: () => { readonly code: number; readonly text: string } | undefined
  /** What the server waits for before it answers the end of `DATA`. */
  delay: () => Promise<void>
  close(): Promise<void>
}

export type MailboxOptions = {
  readonly tls?: Issued
  /** TLS from the first byte. */
  readonly implicit?: boolean
  /** Nobody is taken without. */
  readonly login?: { readonly user: string; readonly pass: string }
}

export async function startMailbox({ tls, implicit = false, login }: MailboxOptions = {}): Promise<Mailbox> {
  const mailbox = { mails: [] as Mail[], refuse: () => undefined, refuseData: () => undefined, delay: async () => {} }
  const box: Omit<Mailbox, 'port' | 'close'> = mailbox
  const options: SMTPServerOptions = {
    secure: implicit,
    ...(tls !== undefined && { key: tls.key, cert: tls.cert }),
    disabledCommands: [...(tls === undefined ? ['STARTTLS'] : []), ...(login === undefined ? ['AUTH'] : [])],
    onAuth({ username, password }, _session, callback) {
      if (username === login?.user && password === login?.pass) callback(null, { user: username })
      else callback(problem({ code: 535, text: '5.7.8 Authentication credentials invalid: T0PSECRET words of the server' }))
    },
    onRcptTo({ address }, _session, callback) {
      const refusal = box.refuse(address)
      callback(refusal && problem(refusal))
    },
    onData(stream, session, callback) {
      text(stream).then(async (source) => {
        await box.delay()
        const refusal = box.refuseData()
        if (refusal !== undefined) return callback(problem(refusal))
        const { mailFrom, rcptTo } = session.envelope
        box.mails.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          source,
          isSecure: session.secure,
          user: session.user,
        })
        callback()
      }, callback)
    },
  }
  const server = new SMTPServer(options)
  server.on('error', () => {}) // a client that leaves
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  const { port } = server.server.address() as AddressInfo
  return Object.assign(box, {
    port,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  })
}

function problem({ code, text }: { readonly code: number; readonly text: string }): Error {
  return Object.assign(new Error(text), { responseCode: code })
}
