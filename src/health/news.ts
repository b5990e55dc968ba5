import { getLogger } from '../log/logger.ts'
import { CheckTimedOut } from './check.ts'
import type { ServiceStatus } from './report.ts'
import type { Examination } from './service.ts'

/** Tells each change once. */
export type News = { tell(name: string, examination: Examination): void }

/**
 * Logs when a service stops being healthy, with the whole error (the report has only a cleaned sentence), and when it is healthy again.
 * That it goes on as before is no news.
 */
export function createNews(): News {
  const logger = getLogger('tts-otel.health')
  const before = new Map<string, ServiceStatus>()
  return {
    tell(name, { status, failure }) {
      const isFirst = !before.has(name)
      const hasChanged = before.get(name) !== status
      before.set(name, status)
      if (!hasChanged) return
      if (failure) logger.warning(`Health check failed: ${name} is ${status} (${failure.message})`, fieldsOf(name, failure.error))
      else if (!isFirst) logger.info(`Health check passed again: ${name} is healthy`, { check: name })
    },
  }
}

/** The stack of our own timer tells nobody anything. */
function fieldsOf(check: string, error: unknown) {
  return error instanceof Error && !(error instanceof CheckTimedOut) ? { check, error } : { check }
}
