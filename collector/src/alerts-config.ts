import { ChannelsError, createChannels } from './notify/channels.ts'
import type { NotifyConfig } from './notify-config.ts'
import { type RuleBook, readRuleBook, SHIPPED } from './rule-book.ts'
import type { SettingsGetter } from './settings.ts'

/** How this collector decides about alerts. */
export type AlertsConfig = {
  /** The file that `book` was read from; undefined: the shipped rules. */
  readonly file: string | undefined
  readonly book: RuleBook
  readonly checkIntervalMs: number
}

export type AlertsSources = {
  readonly notify: NotifyConfig
  readonly problems: string[]
  /** Text of a file; throws when there is none. */
  readonly readFile: (path: string) => string
}

/** Reads the rules and says what is wrong with them; undefined for a collector that has not this role. */
export function readAlerts(get: SettingsGetter, { notify, problems, readFile }: AlertsSources): AlertsConfig | undefined {
  const [file, checkIntervalMs] = [get('ALERT_RULES'), get('ALERT_CHECK_INTERVAL') * 1_000]
  if (!get('COLLECTOR_ROLES').includes('alerts')) return undefined
  const text = file === undefined ? SHIPPED.text : readText(file, { problems, readFile })
  const { book, problems: found } = readRuleBook({ file: file ?? SHIPPED.file, text })
  problems.push(...found, ...judgeChannels(book, notify))
  return Object.freeze({ file, book, checkIntervalMs })
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
