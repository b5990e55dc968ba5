import { describeError } from '../describe-error.ts'
import { sqlState } from './sqlstate.ts'

const INSUFFICIENT_PRIVILEGE = '42501'

/** Why what only the owner of the tables may do has failed, for people. */
export function reasonOf(error: unknown): string {
  const reason = describeError(error)
  return sqlState(error) === INSUFFICIENT_PRIVILEGE ? `${reason}: DATABASE_ADMIN_URL must name the owner of the tables` : reason
}
