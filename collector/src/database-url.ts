/**
 * Whether `value` is a URL of PostgreSQL that can be meant. A `#`, and an `@` behind a host without a user, are of a password that
 * is not percent-encoded: the host would be a piece of it.
 */
export function isDatabaseUrl(value: string): boolean {
  const url = URL.parse(value)
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol) || value.includes('#')) return false
  return url.username !== '' || !`${url.pathname}${url.search}`.includes('@')
}
