import { createHash, timingSafeEqual } from 'node:crypto'

/** What an Authorization header shows: a token of ours, none at all, or a wrong one. */
export type Shown = 'known' | 'missing' | 'wrong'

/** Checks the Authorization header of a request for one of our bearer tokens. With no tokens configured everybody is known. */
export function createTokenCheck(tokens: readonly string[]): (authorization: string | undefined) => Shown {
  const digests = tokens.map(digest)
  return function checkToken(authorization) {
    if (digests.length === 0) return 'known'
    const given = /^bearer +(.+)$/i.exec(authorization ?? '')?.[1]
    if (given === undefined) return 'missing'
    return isKnown(digest(given), digests) ? 'known' : 'wrong'
  }
}

/** Compares digests, of equal length whatever was sent, and all of them: the time says nothing about how close a guess was. */
function isKnown(given: Buffer, known: readonly Buffer[]): boolean {
  let found = false
  for (const each of known) if (timingSafeEqual(given, each)) found = true
  return found
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
