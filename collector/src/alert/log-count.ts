import type { LogCount } from '../signal.ts'
import { SIGNALS } from '../signal-names.ts'
import type { Fields } from './fields.ts'

/** Severity numbers of OpenTelemetry by the names of levels. */
const SEVERITIES = { TRACE: 1, DEBUG: 5, INFO: 9, WARNING: 13, ERROR: 17, CRITICAL: 21 } as const
const NAME = /^[a-z][a-z0-9_]{0,62}[a-z0-9]$/

/** Reads one entry of `log_counts:`. */
export function readLogCount(name: string, fields: Fields): LogCount {
  if (!NAME.test(name) || Object.hasOwn(SIGNALS, name) || name === 'threshold')
    fields.tell('', Object.hasOwn(SIGNALS, name) ? 'has the name of a signal' : 'has a name that is not small letters, digits and _')
  const level = fields.oneOf('level', ['TRACE', 'DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'] as const)
  const [logger, event, text] = [fields.text('logger'), fields.text('event'), fields.text('text')]
  if (level === undefined && logger === undefined && event === undefined && text === undefined)
    fields.tell('', 'has to say what it counts: level, logger, event or text')
  fields.refuseOthers()
  return {
    name,
    ...(level !== undefined && { severityMin: SEVERITIES[level] }),
    ...(logger !== undefined && { logger }),
    ...(event !== undefined && { event }),
    ...(text !== undefined && { text }),
  }
}
