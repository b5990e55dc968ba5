import { BlockList, isIP } from 'node:net'

/** A range of addresses: `10.1.0.0/16`, `fd00::/8`. */
export type AddressRange = { readonly address: string; readonly prefix: number }

/** `10.1.0.0/16`, or one address, which is a range of itself; undefined for anything else. */
export function parseAddressRange(text: string): AddressRange | undefined {
  const [, address = '', digits] = /^([0-9a-f.:]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? []
  const bits = widthOf(address)
  const prefix = digits === undefined ? bits : Number(digits)
  // A prefix of 0 would be every address there is.
  return bits > 0 && prefix > 0 && prefix <= bits ? { address, prefix } : undefined
}

/** Tells whether an address is in one of the ranges. An IPv4 address that is written as IPv6 (`::ffff:10.1.2.3`) is in the ranges of the former. */
export function createRangeCheck(ranges: readonly AddressRange[]): (address: string) => boolean {
  const list = new BlockList()
  for (const { address, prefix } of ranges) list.addSubnet(address, prefix, familyOf(address))
  return (address) => isIP(address) > 0 && list.check(address, familyOf(address))
}

function widthOf(address: string): number {
  const version = isIP(address)
  if (version === 0) return 0
  return version === 4 ? 32 : 128
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4'
}
