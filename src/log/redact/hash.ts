/** The form in which `identity` leaves the process: `h:` and 16 hex digits. Equal identities have equal forms. */
export type HashIdentity = (identity: string) => string

/** 64 bits: among a million users two share a hash with a chance of 1 in 37 million. */
const HEX_DIGITS = 16
const HASHED = /^h:[0-9a-f]{16}$/
/** A hash takes 3 µs; the users of the last minutes are remembered. About 2 MB when full. */
const KNOWN_MAX = 10_000
/** Longer ones are hashed each time. */
const KNOWN_CHARS_MAX = 128

/**
 * HMAC-SHA-256 under `key`, cut to 16 hex digits. E-mail addresses count in lower case. What has this form already stays as it is, so that a
 * record may pass here twice. A hash can be found again only with the key: see docs/redaction.md.
 */
export function createHasher(key: string): HashIdentity {
  const known = new Map<string, string>()

  return function hashIdentity(identity) {
    const found = known.get(identity)
    if (found !== undefined) return found
    const hashed = HASHED.test(identity) ? identity : hash(key, identity)
    if (known.size >= KNOWN_MAX) known.clear()
    if (identity.length <= KNOWN_CHARS_MAX) known.set(identity, hashed)
    return hashed
  }
}

/** `node:crypto` takes 5 ms to load: it comes with the first identity, and in an app without a key never. */
function hash(key: string, identity: string): string {
  const { createHmac } = process.getBuiltinModule('node:crypto')
  const counted = identity.includes('@') ? identity.toLowerCase() : identity
  return `h:${createHmac('sha256', key).update(counted).digest('hex').slice(0, HEX_DIGITS)}`
}
