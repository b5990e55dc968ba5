import { BlockList, isIP } from 'node:net'

/** Proxies that one request may have come through; a longer list is a forgery. */
const HOPS_MAX = 32
const MAPPED = /^::ffff:(?=\d+\.)/i
/** `203.0.113.7:4711`, `[2001:db8::1]:4711`, as some proxies write it. */
const WITH_PORT = /^(?:\[([\da-f:.]+)\]|(\d+\.\d+\.\d+\.\d+))(?::\d{1,5})?$/i

/**
 * Finds the client of a request: the peer, or behind `trustedProxies` the last address of `X-Forwarded-For` that is none of them.
 * From right to left, because everything further left was written by whoever came before, and may be invented.
 * Throws a TypeError that names the entry when one is no address and no CIDR block.
 */
export function createClientAddress(
  trustedProxies: readonly string[],
): (peer: string | undefined, forwarded: string | undefined) => string | undefined {
  const trusted = new BlockList()
  for (const entry of trustedProxies) addEntry(trusted, entry)
  const isTrusted = (address: string) => trusted.check(address, familyOf(address))

  return function clientAddress(peer, forwarded) {
    let client = peer === undefined ? undefined : bareAddress(peer)
    if (client === undefined || forwarded === undefined || trustedProxies.length === 0) return client
    const hops = forwarded.split(',')
    for (let index = hops.length - 1; index >= 0 && hops.length - index <= HOPS_MAX && isTrusted(client); index--) {
      const hop = bareAddress(hops[index]!.trim())
      if (hop === undefined) break
      client = hop
    }
    return client
  }
}

function addEntry(trusted: BlockList, entry: string): void {
  const [address = '', prefix, ...rest] = entry.split('/')
  const bits = address.includes(':') ? 128 : 32
  const length = prefix === undefined ? bits : Number(prefix)
  const isWrong = isIP(address) === 0 || rest.length > 0 || prefix === '' || !Number.isInteger(length) || length < 0 || length > bits
  if (isWrong) throw new TypeError(`trustedProxies: ${JSON.stringify(entry)} is no address and no CIDR block; write 10.0.0.0/8 or fd00::/8`)
  trusted.addSubnet(address, length, familyOf(address))
}

/** Without port, brackets and zone; an IPv4 address in IPv6 clothes as IPv4. */
function bareAddress(text: string): string | undefined {
  const match = WITH_PORT.exec(text)
  const address = (match?.[1] ?? match?.[2] ?? text).replace(MAPPED, '').replace(/%.*$/, '')
  return isIP(address) === 0 ? undefined : address
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return address.includes(':') ? 'ipv6' : 'ipv4'
}
