import { parseRules } from './alert/parse-rules.ts'
import type { Rule, RuleSet } from './alert/rule.ts'
import { SHIPPED_RULES } from './alert/shipped-rules.ts'
import { type ChannelConfig, parseChannels } from './notify/parse-channels.ts'
import { SIGNAL_WINDOW_MS } from './signal-names.ts'

/** Everything that holds for alerts: rules, and the channels that a rules file names beside those of the environment. */
export type RuleBook = {
  readonly rules: RuleSet
  readonly channels: Readonly<Record<string, ChannelConfig>>
  /** The longest that any rule looks back, ms. */
  readonly windowMsMax: number
}

/** A text of rules and where it came from, for messages. */
export type RuleSource = { readonly file: string; readonly text: string }

/** Holds where no file is named. */
export const SHIPPED: RuleSource = { file: 'alerts.yaml', text: SHIPPED_RULES }

/** Hold beside every file, unless that has a rule of the same name: whoever relies on alerts learns that there are none. */
export const META_RULES = `rules:
  - name: Evaluation Late
    condition: evaluation_delay > 60
    severity: warning
    channels: [slack, webhook, email]
    annotations:
      summary: "Rules were looked at {{ evaluation_delay }} s too late; alerts of that time came late as well"
  - name: No Telemetry
    condition: telemetry_silence > 300
    severity: warning
    by: [service]
    channels: [slack, webhook, email]
    annotations:
      summary: "{{ labels.service }} was there and has sent nothing for {{ telemetry_silence }} s"
`

export type RuleBookOptions = {
  /** Channels that the environment sets up. */
  readonly channelNames?: readonly string[]
}

/**
 * Reads a rules file, and tells all that is wrong with it; with any problem the book is not to be used. Rules that nobody wrote,
 * the shipped ones and {@link META_RULES}, go to every channel that the environment sets up, without one to those of the file.
 */
export function readRuleBook(
  { file, text }: RuleSource,
  { channelNames = [] }: RuleBookOptions = {},
): { readonly book: RuleBook; readonly problems: readonly string[] } {
  const { rules, problems } = parseRules(text, { file })
  const named = parseChannels(rules.channels)
  const names = new Set(rules.rules.map(({ name }) => name))
  const meta = parseRules(META_RULES, { file: 'meta rules' })
  const there = channelNames.length > 0 ? channelNames : Object.keys(named.channels)
  const aim = (rule: Rule): Rule => (there.length > 0 ? { ...rule, channels: there } : rule)
  const given = text === SHIPPED.text ? rules.rules.map(aim) : rules.rules
  const all = [...given, ...meta.rules.rules.filter(({ name }) => !names.has(name)).map(aim)]
  const windowMsMax = Math.max(SIGNAL_WINDOW_MS, ...all.flatMap(({ signals }) => signals.map(({ windowMs }) => windowMs)))
  const book = { rules: { ...rules, rules: all }, channels: named.channels, windowMsMax }
  return { book, problems: [...problems, ...named.problems.map((problem) => `${file}: ${problem}`)] }
}
