import { ChannelsError, createChannels } from './notify/channels.ts'
import type { NotifyConfig } from './notify-config.ts'
import { type RuleBook, type RuleSource, readRuleBook, SHIPPED } from './rule-book.ts'
import type { SettingsGetter } from './settings.ts'

/** How this collector decides about alerts. */
export type AlertsConfig = {
  readonly rules: RuleSource
  /** Whether these are in a file, which can change. */
  readonly inFile: boolean
  readonly checkIntervalMs: number
}

export type AlertsSources = {
  /** Whether this collector has the role. */
  readonly hasRole: boolean
  readonly notify: NotifyConfig
  readonly problems: string[]
  /** Text of a file; throws when there is none. */
  readonly readFile: (path: string) => string
}

/** Reads the rules and says what is wrong with them; undefined for a collector that has not this role. */
export function readAlerts(get: SettingsGetter, { hasRole, notify, problems, readFile }: AlertsSources): AlertsConfig | undefined {
  const [file, checkIntervalMs] = [get('ALERT_RULES'), get('ALERT_CHECK_INTERVAL') * 1_000]
  if (!hasRole) return undefined
  const text = file === undefined ? SHIPPED.text : readText(file, { problems, readFile })
  const rules = { file: file ?? SHIPPED.file, text }
  const { book, problems: found } = readRuleBook(rules)
  problems.push(...found)
  // What is wrong with the channels of the environment is told already, by their variables.
  if (problems.length === 0) problems.push(...judgeChannels(book, notify))
  return Object.freeze({ rules: Object.freeze(rules), inFile: file !== undefined, checkIntervalMs })
}

/** Why the channels of a rules file cannot be used. */
export function judgeChannels({ channels: named }: RuleBook, notify: NotifyConfig): readonly string[] {
  try {
    createChannels({ ...notify, named }, { now: Date.now })
    return []
  } catch (error) {
    if (error instanceof ChannelsError) return error.problems
    throw error
  }
}

function readText(file: string, { problems, readFile }: Pick<AlertsSources, 'problems' | 'readFile'>): string {
  try {
    return readFile(file)
  } catch (error) {
    problems.push(`ALERT_RULES names ${file}, which cannot be read: ${error instanceof Error ? error.message : error}`)
    return SHIPPED.text
  }
}
