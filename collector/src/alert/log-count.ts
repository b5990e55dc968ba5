import { LEVELS, lowestSeverity, parseLevel } from '../level.ts'
import type { LogCount } from '../signal.ts'
import { SIGNALS } from '../signal-names.ts'
import type { Fields } from './fields.ts'
import { suggest } from './suggest.ts'

const NAME = /^[a-z][a-z0-9_]{0,62}[a-z0-9]$/

/** Reads one entry of `log_counts:`. */
export function readLogCount(name: string, fields: Fields): LogCount {
  if (!NAME.test(name) || Object.hasOwn(SIGNALS, name) || name === 'threshold')
    fields.tell('', Object.hasOwn(SIGNALS, name) ? 'has the name of a signal' : 'has a name that is not small letters, digits and _')
  const [given, logger, event, text] = [fields.text('level'), fields.text('logger'), fields.text('event'), fields.text('text')]
  const level = given === undefined ? undefined : parseLevel(given)
  if (given !== undefined && level === undefined)
    fields.tell('level', `is "${given}": it has to be ${LEVELS.join(', ')}${suggest(given, LEVELS)}`)
  if (!fields.has('level') && logger === undefined && event === undefined && text === undefined)
    fields.tell('', 'has to say what it counts: level, logger, event or text')
  fields.refuseOthers()
  return {
    name,
    ...(level !== undefined && { severityMin: lowestSeverity(level) }),
    ...(logger !== undefined && { logger }),
    ...(event !== undefined && { event }),
    ...(text !== undefined && { text }),
  }
}
