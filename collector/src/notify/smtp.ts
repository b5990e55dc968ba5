import { connect, isIP, type Socket } from 'node:net'
import { createTransport, type NodemailerError, type SendMailOptions, type SMTPTransportOptions } from 'nodemailer'
import type { SmtpServer } from '../smtp-server.ts'
import { ForbiddenAddressError, type Guard, smtpWayOf } from './guard.ts'

export type Smtp = {
  /** For people, without credentials. */
  readonly name: string
  /** Hands a mail to the server; `rejectedErrors` has those of the recipients that it did not take. Rejects when it took none. */
  sendMail(mail: SendMailOptions): Promise<{ readonly rejectedErrors?: readonly NodemailerError[] | undefined }>
}

/** For each step; the attempt as a whole has its own limit. */
const STEP_MS_MAX = 10_000
/** Some lines: what a server offers is the longest. */
const RESPONSE_BYTES_MAX = 65_536

/** Sends mail through one server, on a connection of its own for each. Throws when the guard forbids it. */
export function createSmtp(server: SmtpServer, guard: Guard, ca?: string): Smtp {
  const { host, port, tls, credentials } = server
  const way = smtpWayOf(server)
  const name = `the mail server ${host}:${port}`
  const problem = guard.checkHost(host, way)
  if (problem !== undefined) throw new ForbiddenAddressError(`${name} ${problem}`)
  const options: SMTPTransportOptions = {
    host,
    port,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'off',
    // A server that offers no login is not the one that was meant.
    ...(credentials && { auth: credentials, forceAuth: true }),
    tls: { minVersion: 'TLSv1.2', ...(isIP(host) === 0 && { servername: host }), ...(ca !== undefined && { ca }) },
    connectionTimeout: STEP_MS_MAX,
    greetingTimeout: STEP_MS_MAX,
    socketTimeout: STEP_MS_MAX,
    socketCloseTimeout: 0,
    maxResponseSize: RESPONSE_BYTES_MAX,
    disableFileAccess: true,
    disableUrlAccess: true,
    // Of its own it would resolve the name a second time.
    getSocket: (_, callback) => {
      openSocket({ host, port, lookup: guard.lookup(way) }).then(
        (connection) => callback(null, { connection }),
        (error) => callback(error, false),
      )
    },
  }
  const transport = createTransport(options)
  return { name, sendMail: (mail) => transport.sendMail(mail) }
}

type SocketOptions = { readonly host: string; readonly port: number; readonly lookup: ReturnType<Guard['lookup']> }

function openSocket(options: SocketOptions): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const socket = connect(options)
  const timer = setTimeout(() => socket.destroy(new Error(`no connection within ${STEP_MS_MAX} ms`)), STEP_MS_MAX).unref()
  socket.once('connect', () => {
    clearTimeout(timer)
    resolve(socket)
  })
  socket.on('error', reject)
  socket.once('close', () => clearTimeout(timer))
  return promise
}

/** What went wrong, in our words: of the server's own only the numbers are shown. */
export function describeSmtpError(error: NodemailerError): string {
  const { code, responseCode, response = '', rejectedErrors = [] } = error
  if (rejectedErrors.length > 0 && code === 'EENVELOPE')
    return `no recipient was taken: ${rejectedErrors.map((each) => `${each.recipient} (${describeSmtpError(each)})`).join(', ')}`
  const [, extended = ''] = /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})\b/.exec(response) ?? []
  const answer = responseCode === undefined ? '' : `answered ${responseCode}${extended && ` ${extended}`}`
  const it = answer && ` (it ${answer})`
  if (code === 'EAUTH' || code === 'ENOAUTH') return `the login failed; check user and password in SMTP_URL${it}`
  if (code === 'ETLS') return `TLS failed${it}; smtps:// is for TLS from the first byte (port 465), smtp:// for STARTTLS`
  if (answer !== '') return answer
  // The library puts the words into its message.
  if (response !== '') return 'it does not answer as a mail server does'
  return causeOf(error)
}

/** Messages of Node and of ours; those of the library that hold a server's words have a response code and do not come here. */
function causeOf({ message, code, name }: NodemailerError): string {
  return message || code || name
}
