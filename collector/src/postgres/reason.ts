import { sqlState } from './sqlstate.ts'

const INSUFFICIENT_PRIVILEGE = '42501'

/** Why what only the owner of the tables may do has failed, for people. */
export function reasonOf(error: unknown): string {
  const reason = error instanceof Error ? describe(error) : String(error)
  return sqlState(error) === INSUFFICIENT_PRIVILEGE ? `${reason}: DATABASE_ADMIN_URL must name the owner of the tables` : reason
}

/** Node leaves the message of a refused connection to several addresses empty. */
function describe(error: Error): string {
  return error.message || ('code' in error ? String(error.code) : error.name)
}
