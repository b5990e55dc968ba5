import { promises as dns, type LookupAddress } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { type AddressRange, createRangeCheck, parseAddressRange } from '../address-range.ts'
import type { SmtpServer } from '../smtp-server.ts'

/** What the operator allows beyond public servers with TLS. */
export type Allowance = {
  /** The networks of one's own: in them also without TLS, and on any port. */
  readonly ranges: readonly AddressRange[]
  /** Ports of public servers, beyond the usual ones of the protocol. */
  readonly ports: readonly number[]
}

/** How a server is to be reached. */
export type Way = {
  readonly port: number
  readonly isSecure: boolean
  /** Ports on which public servers of this protocol listen. */
  readonly usualPorts: readonly number[]
}

/** Keeps requests to where a person may have meant them. */
export type Guard = {
  /** What forbids this http address before its name is resolved, as the end of a sentence about it; undefined when nothing does. */
  checkUrl(url: URL): string | undefined
  /** The same for any server. */
  checkHost(host: string, way: Way): string | undefined
  /** What forbids leaving it to a proxy to find this host; undefined when nothing does. */
  checkProxied(url: URL): string | undefined
  /** Finds the addresses of a host for one socket, and gives them only when every one of them may be reached this way: what it gives is what the socket connects to. */
  lookup(way: Way): LookupFunction
}

export type GuardOptions = Allowance & {
  /** All addresses of a host. Default: as the system resolves it. */
  readonly resolve?: (host: string) => Promise<readonly LookupAddress[]>
}

/** A host has an address that must not be reached. */
export class ForbiddenAddressError extends Error {
  readonly code = 'ERR_FORBIDDEN_ADDRESS'
}

/** IPv4 addresses that are not of the public network: https://www.iana.org/assignments/iana-ipv4-special-registry */
const SPECIAL_IPV4 = ranges(
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24',
  '192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4',
)
/** All of IPv6 that is public is in this range, but for what {@link SPECIAL_IPV6} takes out: https://www.iana.org/assignments/iana-ipv6-special-registry */
const PUBLIC_IPV6 = ranges('2000::/3')
/** Tunnels (Teredo in the first, 6to4), which hide an IPv4 address, and documentation. IPv4 in IPv6, NAT64, local and link-local ones are outside of {@link PUBLIC_IPV6}. */
const SPECIAL_IPV6 = ranges('2001::/23 2001:db8::/32 2002::/16 3fff::/20')
/** Where clouds hand out credentials. No receiver of alerts lives there, so no allowance covers them. */
const METADATA = ranges(
  '169.254.169.254 169.254.170.2 169.254.170.23 100.100.100.200 168.63.129.16 192.0.0.192',
  'fd00:ec2::254 fd00:ec2::23 fd20:ce::254',
)
/** Their names; behind a proxy it would be the proxy that finds their addresses. */
const METADATA_NAMES = new Set(
  'metadata metadata.google.internal metadata.goog metadata.azure.internal instance-data instance-data.ec2.internal'.split(' '),
)
/** Names that mean something else wherever they are resolved: on the proxy they would be the proxy's own neighbours. */
const LOCAL_NAME = /^[^.]+$|\.(localhost|local|internal|home\.arpa|lan)$/

const isSpecialIpv4 = createRangeCheck(SPECIAL_IPV4)
const isPublicIpv6 = createRangeCheck(PUBLIC_IPV6)
const isSpecialIpv6 = createRangeCheck(SPECIAL_IPV6)
const isMetadata = createRangeCheck(METADATA)

/**
 * Closes the way into networks that an address of a webhook could otherwise be led to (server-side request forgery): by a
 * literal address in any spelling (a URL has only one), by a name that resolves there, or by one that does so the second time.
 */
export function createGuard({ ranges: allowed, ports, resolve = resolveAll }: GuardOptions): Guard {
  const isAllowed = createRangeCheck(allowed)

  /** What forbids to reach `address` this way. */
  function judge(address: string, { port, isSecure, usualPorts }: Way): string | undefined {
    if (isMetadata(address)) return 'is the metadata service of a cloud'
    if (isAllowed(address)) return undefined
    if (isSpecial(address)) return 'is no public address; if it is yours and meant, add it to ALERT_ALLOW_PRIVATE'
    if (!isSecure) return 'is public and must be reached with TLS; without it only what is in ALERT_ALLOW_PRIVATE is'
    if (![...usualPorts, ...ports].includes(port)) return `has port ${port}; if that is meant, add it to ALERT_ALLOW_PORTS`
    return undefined
  }

  function checkHost(name: string, way: Way): string | undefined {
    const host = bare(name)
    if (METADATA_NAMES.has(host)) return 'is the metadata service of a cloud'
    if (isIP(host) > 0) return judge(host, way)
    // Without allowed networks the name does not matter: what it resolves to would have to be public.
    return allowed.length === 0 ? judge(ANY_PUBLIC_ADDRESS, way) : undefined
  }

  return {
    checkHost,
    checkUrl(url) {
      if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'is no https:// URL'
      if (url.username !== '' || url.password !== '') return 'has a user or password in it'
      return checkHost(url.hostname, wayOf(url))
    },
    checkProxied(url) {
      const host = bare(url.hostname)
      if (!LOCAL_NAME.test(host) || isIP(host) > 0) return undefined
      return 'is a local name that the proxy would resolve; name it in NO_PROXY, so that it is resolved and checked here'
    },
    lookup: (way) => (host, options, callback) => {
      find(host, way).then(
        (found) => {
          const [first] = found
          if (options.all) callback(null, [...found])
          else callback(null, first?.address ?? '', first?.family)
        },
        (error) => callback(error, options.all ? [] : ''),
      )
    },
  }

  async function find(host: string, way: Way): Promise<readonly LookupAddress[]> {
    const found = await resolve(host)
    for (const { address } of found) {
      const problem = judge(address, way)
      if (problem !== undefined) throw new ForbiddenAddressError(`it resolves to ${address}, which ${problem}`)
    }
    if (found.length === 0) throw new ForbiddenAddressError('it has no address')
    return found
  }
}

/** How an http or https address is to be reached. */
export function wayOf({ port, protocol }: URL): Way {
  const isSecure = protocol === 'https:'
  return { port: Number(port || (isSecure ? 443 : 80)), isSecure, usualPorts: [443] }
}

/** How a mail server is to be reached. */
export function smtpWayOf({ port, tls }: SmtpServer): Way {
  return { port, isSecure: tls !== 'off', usualPorts: [25, 465, 587, 2_525] }
}

/** Stands for any of them; it is one of dns.google. */
const ANY_PUBLIC_ADDRESS = '8.8.8.8'

function isSpecial(address: string): boolean {
  if (isIP(address) === 4) return isSpecialIpv4(address)
  return !isPublicIpv6(address) || isSpecialIpv6(address)
}

/** Without the brackets of an IPv6 address, the dot of a complete name, and the case. */
function bare(host: string): string {
  return host
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase()
}

async function resolveAll(host: string): Promise<readonly LookupAddress[]> {
  return await dns.lookup(host, { all: true })
}

function ranges(...lines: readonly string[]): readonly AddressRange[] {
  return lines.flatMap((line) => line.split(' ')).flatMap((text) => parseAddressRange(text) ?? [])
}
