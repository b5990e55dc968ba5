/** What was thrown, for people: its message; Node leaves that of a refused connection to several addresses empty. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.message || ('code' in error ? String(error.code) : error.name)
}
