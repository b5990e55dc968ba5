import { createHash, timingSafeEqual } from 'node:crypto'

/** What an Authorization header shows: a token of ours, none at all, or a wrong one. */
export type Shown = 'known' | 'missing' | 'wrong'

/** Judges an Authorization header; undefined is a request without one. */
export type TokenCheck = (authorization: string | undefined) => Shown

export type Tokens = {
  readonly check: TokenCheck
  /** From now on these are the tokens. */
  readonly replace: (tokens: readonly string[]) => void
}

/** Several hold at once while one replaces another; more are a mistake, and each costs every request a comparison. */
const TOKENS_MAX = 100

/** Tokens with line ends or commas between them; undefined when one of them could not stand in a header, or when there are too many. */
export function parseTokens(text: string): readonly string[] | undefined {
  const tokens = text
    .split(/[\r\n,]/)
    .map((token) => token.trim())
    .filter((token) => token !== '')
  const valid = tokens.length > 0 && tokens.length <= TOKENS_MAX && tokens.every((token) => /^[\x21-\x7e]+$/.test(token))
  return valid ? tokens : undefined
}

/** Bearer tokens, and the check of a request for one of them. Without any token everybody is known. */
export function createTokens(initial: readonly string[]): Tokens {
  let digests = initial.map(digest)
  return {
    check(authorization) {
      if (digests.length === 0) return 'known'
      const given = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
      if (given === undefined) return 'missing'
      return isKnown(digest(given), digests) ? 'known' : 'wrong'
    },
    replace(tokens) {
      digests = tokens.map(digest)
    },
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
