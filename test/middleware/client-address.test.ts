import { expect, test } from 'vitest'
import { createClientAddress } from '../../src/middleware/client-address.ts'

test.each<[trusted: string[], peer: string | undefined, forwarded: string | undefined, client: string | undefined]>([
  [[], '203.0.113.9', undefined, '203.0.113.9'],
  [[], '203.0.113.9', '6.6.6.6', '203.0.113.9'],
  [[], '::ffff:203.0.113.9', undefined, '203.0.113.9'],
  [[], undefined, '6.6.6.6', undefined],
  [['10.0.0.0/8'], '203.0.113.9', '6.6.6.6', '203.0.113.9'],
  [['10.0.0.0/8'], '10.0.0.1', '203.0.113.9', '203.0.113.9'],
  [['10.0.0.0/8'], '::ffff:10.0.0.1', '203.0.113.9', '203.0.113.9'],
  [['10.0.0.0/8'], '10.0.0.1', '6.6.6.6, 203.0.113.9', '203.0.113.9'],
  [['10.0.0.0/8'], '10.0.0.1', '6.6.6.6, 203.0.113.9, 10.1.2.3', '203.0.113.9'],
  [['10.0.0.0/8'], '10.0.0.1', '10.9.9.9, 10.1.2.3', '10.9.9.9'],
  [['10.0.0.0/8'], '10.0.0.1', undefined, '10.0.0.1'],
  [['10.0.0.0/8'], '10.0.0.1', '203.0.113.9, unknown', '10.0.0.1'],
  [['10.0.0.0/8'], '10.0.0.1', '<script>, 10.1.2.3', '10.1.2.3'],
  [['10.0.0.0/8'], '10.0.0.1', '', '10.0.0.1'],
  [['10.0.0.1'], '10.0.0.2', '203.0.113.9', '10.0.0.2'],
  [['10.0.0.1'], '10.0.0.1', '203.0.113.9:4711', '203.0.113.9'],
  [['fd00::/8', '::1'], '::1', '2001:db8::7, fd00::1', '2001:db8::7'],
  [['::1'], '::1', '[2001:db8::7]:4711', '2001:db8::7'],
  [['::1'], '::1', '::ffff:203.0.113.9', '203.0.113.9'],
  [['0.0.0.0/0'], '10.0.0.1', Array(100).fill('1.1.1.1').join(), '1.1.1.1'],
])('behind %j the peer %s that forwards %j is %s', (trusted, peer, forwarded, client) => {
  expect(createClientAddress(trusted)(peer, forwarded)).toBe(client)
})

test.each(['10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', 'fd00::/129', 'proxy.internal', '', '10.0.0.0/-1', '10.0.0/8'])(
  'the proxy %j is refused by name',
  (entry) => {
    expect(() => createClientAddress([entry])).toThrow(
      new TypeError(`trustedProxies: ${JSON.stringify(entry)} is no address and no CIDR block; write 10.0.0.0/8 or fd00::/8`),
    )
  },
)
