import type { Credentials } from './client.ts'

/** What the settings say about who we are; undefined for nobody. */
export function credentialsOf({
  apiKey,
  username,
  password,
}: {
  readonly apiKey: string | undefined
  readonly username: string | undefined
  readonly password: string | undefined
}): Credentials | undefined {
  if (apiKey !== undefined) return { kind: 'apiKey', apiKey }
  return username !== undefined && password !== undefined ? { kind: 'basic', username, password } : undefined
}
