import { AuthenticationError, RateLimitError } from 'tts-otel'
import type { User } from './config.ts'

/**
 * Decides who may pass: returns the user of a bearer token.
 * Throws a 401 when it is missing or unknown, and a 429 when the user asks faster than allowed (a token bucket that holds one minute's worth).
 */
export function createDoor(users: readonly User[], now: () => number = Date.now): (authorization: string | undefined) => User {
  const guests = new Map(users.map((user) => [user.key, { user, left: user.requestsPerMinute, countedAtMs: now() }]))

  return function admit(authorization) {
    const key = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1]
    if (!key) throw new AuthenticationError('Send your key as "Authorization: Bearer <key>".')
    const guest = guests.get(key)
    if (!guest) throw new AuthenticationError('This key is not known.')

    const { requestsPerMinute } = guest.user
    const perMs = requestsPerMinute / 60_000
    guest.left = Math.min(requestsPerMinute, guest.left + (now() - guest.countedAtMs) * perMs)
    guest.countedAtMs = now()
    if (guest.left < 1)
      throw new RateLimitError(`More than ${requestsPerMinute} requests in this minute.`, Math.ceil((1 - guest.left) / perMs / 1_000))
    guest.left -= 1
    return guest.user
  }
}
