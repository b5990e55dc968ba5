import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { parseAddressRange } from '../../../collector/src/address-range.ts'
import { createGuard } from '../../../collector/src/notify/guard.ts'

const rangesOf = (text: string) => text.split(',').flatMap((each) => parseAddressRange(each) ?? [])

function guard(allowPrivate = '', { answers = {}, ports = [] }: { answers?: Record<string, string[]>; ports?: number[] } = {}) {
  return createGuard({
    ranges: rangesOf(allowPrivate),
    ports,
    resolve: async (host) => (answers[host] ?? []).map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
  })
}

const check = (url: string, allowPrivate = '') => guard(allowPrivate).checkUrl(new URL(url))

test.each([
  'https://hooks.slack.com/services/T/B/x',
  'https://example.org:443/',
  'https://metadata.example.org/',
  'https://8.8.8.8/',
  'https://[2606:4700::1111]/',
])('%s is allowed as it is', (url) => expect(check(url)).toBeUndefined())

test.each([
  ['https://10.1.2.3/', 'is no public address'],
  ['https://172.31.255.255/', 'is no public address'],
  ['https://192.168.0.1/', 'is no public address'],
  ['https://127.0.0.1/', 'is no public address'],
  ['https://127.255.255.254/', 'is no public address'],
  ['https://0.0.0.0/', 'is no public address'],
  ['https://100.64.0.1/', 'is no public address'],
  ['https://169.254.0.1/', 'is no public address'],
  ['https://198.18.0.1/', 'is no public address'],
  ['https://224.0.0.1/', 'is no public address'],
  ['https://255.255.255.255/', 'is no public address'],
  ['https://2130706433/', 'is no public address'],
  ['https://0x7f000001/', 'is no public address'],
  ['https://0177.0.0.1/', 'is no public address'],
  ['https://127.1/', 'is no public address'],
  ['https://１２７.０.０.１/', 'is no public address'],
  ['https://[::1]/', 'is no public address'],
  ['https://[::]/', 'is no public address'],
  ['https://[::ffff:127.0.0.1]/', 'is no public address'],
  ['https://[::ffff:8.8.8.8]/', 'is no public address'],
  ['https://[::127.0.0.1]/', 'is no public address'],
  ['https://[64:ff9b::127.0.0.1]/', 'is no public address'],
  ['https://[64:ff9b:1::1]/', 'is no public address'],
  ['https://[fc00::1]/', 'is no public address'],
  ['https://[fd12::1]/', 'is no public address'],
  ['https://[fe80::1]/', 'is no public address'],
  ['https://[ff02::1]/', 'is no public address'],
  ['https://[2001::1]/', 'is no public address'],
  ['https://[2001:db8::1]/', 'is no public address'],
  ['https://[2002:7f00:1::]/', 'is no public address'],
  ['https://169.254.169.254/latest/meta-data', 'metadata service'],
  ['https://[fd00:ec2::254]/', 'metadata service'],
  ['https://metadata.google.internal/', 'metadata service'],
  ['https://METADATA.google.internal./', 'metadata service'],
  ['https://instance-data/', 'metadata service'],
  ['http://example.org/', 'must be reached with TLS'],
  ['http://8.8.8.8/', 'must be reached with TLS'],
  ['https://example.org:8443/', 'has port 8443'],
  ['https://example.org:22/', 'has port 22'],
  ['https://user:secret@example.org/', 'user or password'],
  ['https://user@example.org/', 'user or password'],
  ['ftp://example.org/', 'no https://'],
  ['file:///etc/passwd', 'no https://'],
  ['gopher://example.org/', 'no https://'],
])('%s is refused', (url, reason) => expect(check(url)).toContain(reason))

test('an allowed network may be reached without TLS and on any port, and only that', () => {
  const allowed = '127.0.0.0/8,10.1.0.0/16,fd00::/8'
  for (const url of [
    'http://127.0.0.1:9093/',
    'http://10.1.255.1/',
    'https://10.1.0.1:8443/',
    'http://[fd12::1]:1/',
    'http://[::ffff:10.1.2.3]/',
  ])
    expect([url, check(url, allowed)]).toEqual([url, undefined])
  for (const url of ['http://10.2.0.1/', 'https://[::1]/', 'http://8.8.8.8/', 'https://8.8.8.8:8443/'])
    expect([url, check(url, allowed)]).toEqual([url, expect.any(String)])
})

test('no allowance reaches the metadata service of a cloud', () => {
  expect(check('http://169.254.169.254/', '169.254.0.0/16')).toContain('metadata service')
  expect(check('http://[::ffff:169.254.169.254]/', '169.254.0.0/16')).toContain('metadata service')
  expect(check('http://169.254.1.1/', '169.254.0.0/16')).toBeUndefined()
})

test('a port of public servers can be allowed', () => {
  const allowing = guard('', { ports: [8443] })
  expect(allowing.checkUrl(new URL('https://example.org:8443/'))).toBeUndefined()
  expect(allowing.checkUrl(new URL('https://example.org:9443/'))).toContain('has port 9443')
  expect(allowing.checkUrl(new URL('http://example.org:8443/'))).toContain('TLS')
})

const HTTPS = { port: 443, isSecure: true, usualPorts: [443] }
const HTTP = { port: 80, isSecure: false, usualPorts: [443] }
const answers = {
  'public.test': ['93.184.216.34', '2606:4700::1111'],
  'mixed.test': ['93.184.216.34', '10.0.0.1'],
  'mixed6.test': ['93.184.216.34', '::ffff:127.0.0.1'],
  'home.test': ['10.1.2.3', '10.1.2.4'],
  'half-home.test': ['10.1.2.3', '93.184.216.34'],
  'meta.test': ['169.254.169.254'],
  'none.test': [],
}

type Lookup = (host: string, options: { all: true }) => Promise<readonly { readonly address: string }[]>

test.each([
  ['public.test', HTTPS, answers['public.test']],
  ['public.test', HTTP, 'it resolves to 93.184.216.34, which is public and must be reached with TLS'],
  ['mixed.test', HTTPS, 'it resolves to 10.0.0.1, which is no public address'],
  ['mixed6.test', HTTPS, 'it resolves to ::ffff:127.0.0.1, which is no public address'],
  ['home.test', HTTP, answers['home.test']],
  ['home.test', { ...HTTP, port: 9093 }, answers['home.test']],
  ['half-home.test', HTTPS, answers['half-home.test']],
  ['half-home.test', HTTP, 'it resolves to 93.184.216.34, which is public'],
  ['meta.test', HTTPS, 'metadata service'],
  ['none.test', HTTPS, 'it has no address'],
])('%s, all of its addresses judged: %o', async (host, way, expected) => {
  const lookup = promisify(guard('10.1.0.0/16', { answers }).lookup(way)) as unknown as Lookup
  const found = lookup(host, { all: true }).then((addresses) => addresses.map(({ address }) => address))
  if (typeof expected === 'string') await expect(found).rejects.toThrow(expected)
  else expect(await found).toEqual(expected)
})

test('a socket that wants one address gets the first', async () => {
  const found = await new Promise((resolve) =>
    guard('', { answers }).lookup(HTTPS)('public.test', { all: false }, (error, address, family) => resolve({ error, address, family })),
  )
  expect(found).toEqual({ error: null, address: '93.184.216.34', family: 4 })
})

test.each([
  ['https://hooks.slack.com/', true],
  ['https://8.8.8.8/', true],
  ['https://intranet/', false],
  ['https://db.internal/', false],
  ['https://printer.local/', false],
  ['https://x.localhost/', false],
])('a proxy is left to find the host of %s: %s', (url, isLeft) => {
  expect(guard().checkProxied(new URL(url)) === undefined).toBe(isLeft)
})

test.each(['10.0.0.0/33', '10.0.0.0/0', '::/0', '10.0.0/8', 'localhost', '10.0.0.0/-1', '', 'fd00::/129', '1.2.3.4/'])(
  '%s is no range',
  (text) => {
    expect(parseAddressRange(text)).toBeUndefined()
  },
)
