/** Mail through a real SMTP server on loopback. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { parseMailAddress, parseMailAddresses } from '../../../collector/src/mail-address.ts'
import { createEmail } from '../../../collector/src/notify/email.ts'
import { parseSmtpUrl } from '../../../collector/src/smtp-server.ts'
import { type Issued, issueCertificate } from '../support/authority.ts'
import { type Mailbox, type MailboxOptions, startMailbox } from '../support/mailbox.ts'
import { readLetter } from '../support/mime.ts'
import { alert, notification, resolved } from '../support/notifications.ts'
import { type OutsideOptions, outside, untold } from '../support/outside.ts'

let issued: Issued
beforeAll(() => {
  issued = issueCertificate('mail.test')
})

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function openMailbox(options: MailboxOptions = {}): Promise<Mailbox> {
  const mailbox = await startMailbox(options)
  closers.push(() => mailbox.close())
  return mailbox
}

const TO = ['ann@example.org', 'bob@example.org']

type EmailSetup = { readonly options?: OutsideOptions; readonly to?: readonly string[]; readonly ca?: string }

function email(url: string, { options = {}, to = TO, ca = issued.ca }: EmailSetup = {}) {
  return createEmail({ server: parseSmtpUrl(url)!, from: 'alerts@tts.example', to, ca }, outside(options))
}

const plainUrl = ({ port }: { readonly port: number }) => `smtp://127.0.0.1:${port}?tls=off`
const onLoopback = async () => [{ address: '127.0.0.1', family: 4 }]

test('a mail has text and HTML, says what it is, and goes to everybody', async () => {
  const mailbox = await openMailbox()
  const annotations = { summary: '8 % of requests fail', description: 'Look <here> & there', runbook: 'https://runbooks.example/a?b=1&c=2' }
  expect(await email(plainUrl(mailbox))(notification({ alerts: [alert({ annotations })] }), untold())).toEqual({ kind: 'ok' })
  expect(mailbox.mails).toMatchObject([{ from: 'alerts@tts.example', to: TO, isSecure: false }])
  const { headers, bodies } = readLetter(mailbox.mails[0]!.source)
  expect(headers).toMatchObject({
    from: ['"tts-otel alerts" <alerts@tts.example>'],
    to: ['ann@example.org, bob@example.org'],
    subject: ['Alert: High Error Rate (route=/v1/speak)'],
    date: ['Sun, 22 Nov 2026 10:00:30 +0000'],
    'auto-submitted': ['auto-generated'],
    'x-alert-status': ['firing'],
    'x-alert-severity': ['warning'],
  })
  expect(headers).not.toHaveProperty('x-mailer')
  expect(bodies['text/plain']?.replaceAll('\r\n', '\n')).toBe(
    [
      '🚨 WARNING: Alert: High Error Rate',
      '8 % of requests fail',
      'Look <here> & there',
      'error_rate: 0.08\nroute: /v1/speak\nsince: 2026-11-22T10:00:00.000Z',
      'runbook: https://runbooks.example/a?b=1&c=2',
      'Sent by tts-otel-collector. Answers are not read.\n',
    ].join('\n\n'),
  )
  expect(bodies['text/html']).toContain('<h2 style="font-size:18px">🚨 WARNING: Alert: High Error Rate</h2>')
  expect(bodies['text/html']).toContain('Look &lt;here&gt; &amp; there')
  expect(bodies['text/html']).toContain('<a href="https://runbooks.example/a?b=1&amp;c=2">runbook</a>')
})

test('all mails about an alert are one conversation, each is known by its notification', async () => {
  const mailbox = await openMailbox()
  const send = email(plainUrl(mailbox))
  const firing = notification({ severity: 'critical' })
  for (const item of [firing, firing, resolved(), notification({ groupKey: 'other' }), notification({ test: true })])
    await send(item, untold())
  const letters = mailbox.mails.map(({ source }) => readLetter(source).headers)
  const ids = letters.map((headers) => headers['message-id']![0]!)
  const threads = letters.map((headers) => headers.references![0]!)
  expect(letters.map((headers) => headers['in-reply-to']![0])).toEqual(threads)
  expect(ids[0]).toBe(ids[1])
  expect(new Set(ids).size).toBe(4)
  expect([threads[1], threads[2]]).toEqual([threads[0], threads[0]])
  expect(new Set(threads).size).toBe(3)
  expect(letters[2]?.subject).toEqual(letters[0]?.subject)
  expect([letters[0]?.importance, letters[2]?.importance]).toEqual([['high'], undefined])
  for (const id of [...ids, ...threads]) expect(id).toMatch(/^<[\w-]+@tts\.example>$/)
  expect(readLetter(mailbox.mails[2]!.source).bodies['text/plain']).toMatch(/^✅ RESOLVED: Alert: High Error Rate\r\n/)
})

test('nothing in an alert can add a header, a recipient or an element', async () => {
  const mailbox = await openMailbox()
  const evil = 'x\r\nBcc: eve@evil.example\r\n\r\n<script>alert(1)</script>"\'\u0000'
  const item = notification({
    rule: evil,
    groupKey: evil,
    groupLabels: { [evil]: evil },
    id: evil,
    alerts: [alert({ annotations: { summary: evil, description: evil, [evil]: `https://x.example/"><script>${evil}` } })],
  })
  expect(await email(plainUrl(mailbox))(item, untold())).toEqual({ kind: 'ok' })
  expect(mailbox.mails[0]?.to).toEqual(TO)
  const { headers, bodies } = readLetter(mailbox.mails[0]!.source)
  expect(headers).not.toHaveProperty('bcc')
  expect(headers.subject).toHaveLength(1)
  expect(bodies['text/html']).not.toContain('<script')
})

test('smtps:// is TLS from the first byte, with user and password', async () => {
  const mailbox = await openMailbox({ tls: issued, implicit: true, login: { user: 'us@r', pass: 'p:ss/word' } })
  const send = email(`smtps://us%40r:p%3Ass%2Fword@mail.test:${mailbox.port}`, { options: { resolve: onLoopback } })
  expect(await send(notification(), untold())).toEqual({ kind: 'ok' })
  expect(mailbox.mails).toMatchObject([{ isSecure: true, user: 'us@r' }])
})

test('smtp:// upgrades before anything is sent', async () => {
  const mailbox = await openMailbox({ tls: issued, login: { user: 'u', pass: 'p' } })
  const send = email(`smtp://u:p@mail.test:${mailbox.port}`, { options: { resolve: onLoopback } })
  expect(await send(notification(), untold())).toEqual({ kind: 'ok' })
  expect(mailbox.mails).toMatchObject([{ isSecure: true, user: 'u' }])
})

test('a server that does not offer TLS gets neither mail nor password', async () => {
  const mailbox = await openMailbox({ login: { user: 'u', pass: 'p' } })
  const outcome = await email(`smtp://u:p@127.0.0.1:${mailbox.port}`)(notification(), untold())
  expect(outcome.kind !== 'ok' && outcome.error.message).toContain('TLS failed')
  expect(mailbox.mails).toEqual([])
})

test.each(['smtp', 'smtps'])('%s: a certificate of another name, or of nobody known, is not trusted', async (scheme) => {
  const mailbox = await openMailbox({ tls: issued, implicit: scheme === 'smtps' })
  const options = { resolve: onLoopback }
  for (const send of [
    email(`${scheme}://other.test:${mailbox.port}`, { options }),
    createEmail({ server: parseSmtpUrl(`${scheme}://mail.test:${mailbox.port}`)!, from: 'a@b.example', to: TO }, outside(options)),
  ])
    expect(await send(notification(), untold())).toMatchObject({
      kind: 'retry',
      error: expect.objectContaining({ message: expect.stringMatching(/certificate|altnames/) }),
    })
  expect(mailbox.mails).toEqual([])
})

test('a wrong password is not tried again, and its message has neither the password nor the words of the server', async () => {
  const mailbox = await openMailbox({ tls: issued, implicit: true, login: { user: 'u', pass: 'right' } })
  const send = email(`smtps://u:T0PSECRET@mail.test:${mailbox.port}`, { options: { resolve: onLoopback } })
  expect(await send(notification(), untold())).toEqual({
    kind: 'drop',
    reason: 'refused',
    error: new Error(
      `the mail server mail.test:${mailbox.port}: the login failed; check user and password in SMTP_URL (it answered 535 5.7.8)`,
    ),
  })
})

test('a server without a login is not given a mail when there is a password', async () => {
  const mailbox = await openMailbox({ tls: issued, implicit: true })
  const send = email(`smtps://u:p@mail.test:${mailbox.port}`, { options: { resolve: onLoopback } })
  expect((await send(notification(), untold())).kind).not.toBe('ok')
  expect(mailbox.mails).toEqual([])
})

test('a recipient that a server refuses for good does not keep it from the others', async () => {
  const mailbox = await openMailbox()
  mailbox.refuse = (recipient) => (recipient.startsWith('bob') ? { code: 550, text: '5.1.1 no such user, T0PSECRET' } : undefined)
  expect(await email(plainUrl(mailbox))(notification(), untold())).toEqual({
    kind: 'ok',
    rejected: { count: 1, message: `the mail server 127.0.0.1:${mailbox.port} did not take it for bob@example.org (answered 550 5.1.1)` },
  })
  expect(mailbox.mails).toMatchObject([{ to: ['ann@example.org'] }])
})

test('a recipient that a server puts off is tried again alone', async () => {
  const mailbox = await openMailbox()
  const send = email(plainUrl(mailbox), { to: [...TO, 'eve@example.org'] })
  mailbox.refuse = (recipient) => {
    if (recipient.startsWith('bob')) return { code: 450, text: '4.2.1 try later' }
    return recipient.startsWith('eve') ? { code: 550, text: '5.1.1 gone' } : undefined
  }
  const item = notification()
  expect(await send(item, untold())).toMatchObject({ kind: 'retry' })
  mailbox.refuse = () => undefined
  expect(await send(item, untold())).toEqual({ kind: 'ok' })
  expect(mailbox.mails.map(({ to }) => to)).toEqual([['ann@example.org'], ['bob@example.org']])
  // Another notification is for all of them again.
  await send(notification(), untold())
  expect(mailbox.mails[2]?.to).toHaveLength(3)
})

test.each([
  ['550 for all', 550, 'drop'],
  ['450 for all', 450, 'retry'],
  ['421, closing', 421, 'retry'],
] as const)('%s: %s', async (_, code, kind) => {
  const mailbox = await openMailbox()
  mailbox.refuse = () => ({ code, text: 'no' })
  const outcome = await email(plainUrl(mailbox))(notification(), untold())
  expect(outcome.kind).toBe(kind)
})

test('some for good and some for now, and nobody else: tried again', async () => {
  const mailbox = await openMailbox()
  mailbox.refuse = (recipient) => ({ code: recipient.startsWith('bob') ? 450 : 550, text: 'no' })
  expect(await email(plainUrl(mailbox))(notification(), untold())).toMatchObject({ kind: 'retry' })
})

test.each([
  [552, 'drop'],
  [451, 'retry'],
] as const)('a message that is refused at its end with %i: %s', async (code, kind) => {
  const mailbox = await openMailbox()
  mailbox.refuseData = () => ({ code, text: 'no' })
  const outcome = await email(plainUrl(mailbox))(notification(), untold())
  expect(outcome).toMatchObject({
    kind,
    error: expect.objectContaining({ message: `the mail server 127.0.0.1:${mailbox.port}: answered ${code}` }),
  })
})

test('a slow server costs no more than the attempt', async () => {
  const mailbox = await openMailbox()
  const late = Promise.withResolvers<void>()
  mailbox.delay = () => late.promise
  expect(await email(plainUrl(mailbox))(notification(), AbortSignal.timeout(300))).toMatchObject({ kind: 'retry' })
  late.resolve()
})

/** Speaks first as a server would, or does something else. */
async function startRaw(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}))
    onConnection(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

test.each([
  ['never says a word', () => {}],
  ['hangs up', (socket: Socket) => void socket.end()],
  ['resets', (socket: Socket) => void socket.resetAndDestroy()],
  ['speaks HTTP', (socket: Socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ['says 421', (socket: Socket) => void socket.end('421 4.3.2 shutting down\r\n')],
  ['says 554', (socket: Socket) => void socket.end('554 no service\r\n')],
  ['talks without end', (socket: Socket) => void setInterval(() => socket.write('220-'.padEnd(60_000, 'x')), 1).unref()],
])('a server that %s is tried again or refused, without its words', async (_, onConnection) => {
  const port = await startRaw(onConnection)
  const outcome = await email(`smtp://127.0.0.1:${port}?tls=off`)(notification(), AbortSignal.timeout(1_000))
  expect(outcome.kind).not.toBe('ok')
  expect(outcome.kind !== 'ok' && outcome.error.message).not.toMatch(/xxx|Bad Request|shutting down/)
})

test('the server is judged like every other address', async () => {
  expect(() => email('smtps://10.0.0.1:465')).toThrow('the mail server 10.0.0.1:465 is no public address')
  expect(() => email('smtp://mail.example:25?tls=off', { options: { allow: '' } })).toThrow('must be reached with TLS')
  expect(() => email('smtps://mail.example:22', { options: { allow: '' } })).toThrow('has port 22')
  const resolve = async () => ['127.0.0.1', '10.0.0.1'].map((address) => ({ address, family: 4 }))
  const outcome = await email('smtp://mail.test:587', { options: { resolve } })(notification(), untold())
  expect(outcome.kind === 'retry' && outcome.error.message).toContain('it resolves to 10.0.0.1')
})

test.each([
  ['smtps://u:p@mail.example', { host: 'mail.example', port: 465, tls: 'implicit', credentials: { user: 'u', pass: 'p' } }],
  ['smtp://mail.example', { host: 'mail.example', port: 587, tls: 'starttls', credentials: undefined }],
  ['smtp://[::1]:25?tls=off', { host: '::1', port: 25, tls: 'off', credentials: undefined }],
])('%s', (url, server) => expect(parseSmtpUrl(url)).toEqual(server))

test.each([
  'mail.example:25',
  'https://mail.example',
  'smtp://',
  'smtp://mail.example:465',
  'smtp://u:p@mail.example:25?tls=off',
  'smtps://mail.example?tls=off',
  'smtp://mail.example?requireTLS=false',
  'smtp://mail.example/path',
  'smtp://user@mail.example',
  'smtp://%zz:p@mail.example',
])('%s is no mail server', (url) => expect(parseSmtpUrl(url)).toBeUndefined())

test.each([
  'a@b.example, c@d.example',
  'Ann <a@b.example>',
  '<a@b.example>',
  '"a b"@c.example',
  'a@b.example\r\nBcc: eve@evil.example',
  'a@b@c.example',
  'a@-b.example',
  'ä@b.example',
  'a b@c.example',
  'a@b.example;c@d.example',
  'group:a@b.example;',
  `${'x'.repeat(65)}@b.example`,
  '',
])('%j is not one address', (text) => expect(parseMailAddress(text)).toBeUndefined())

test('a list of addresses is one only if all of them are', () => {
  expect(parseMailAddresses('a@b.example, c@d.example,a@b.example')).toEqual(['a@b.example', 'c@d.example'])
  expect(parseMailAddresses('a@b.example,')).toBeUndefined()
  expect(parseMailAddresses('a@b.example,nobody')).toBeUndefined()
})
