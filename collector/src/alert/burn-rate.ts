import { ALERT_SEVERITIES, type AlertSeverity } from '../notification.ts'
import { SIGNALS } from '../signal-names.ts'
import { formatDuration } from './duration.ts'
import type { Fields } from './fields.ts'
import { rankOf } from './severity.ts'
import { suggest } from './suggest.ts'

/** A rule about the speed at which the error budget of a service level objective is used up, as conditions. */
export type BurnRate = {
  readonly severity: AlertSeverity
  readonly condition: string
  /** More severe ones, the worst first. */
  readonly raises: readonly { readonly severity: AlertSeverity; readonly condition: string }[]
}

type Window = { readonly factor: number; readonly longMs: number; readonly shortMs: number; readonly severity: AlertSeverity }

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** 2 % of a month's budget in an hour, 5 % in six, 10 % in three days. https://sre.google/workbook/alerting-on-slos/ */
const WINDOWS: readonly Window[] = [
  { factor: 14.4, longMs: HOUR_MS, shortMs: 5 * MINUTE_MS, severity: 'critical' },
  { factor: 6, longMs: 6 * HOUR_MS, shortMs: 30 * MINUTE_MS, severity: 'critical' },
  { factor: 1, longMs: 72 * HOUR_MS, shortMs: 6 * HOUR_MS, severity: 'warning' },
]

const RATIOS = Object.entries(SIGNALS).flatMap(([name, { kind }]) => (kind === 'ratio' ? [name] : []))

/** Reads `burn_rate:` of a rule; undefined, and said why, when it cannot be used. */
export function readBurnRate(fields: Fields): BurnRate | undefined {
  const signal = fields.text('signal') ?? 'error_rate'
  if (!RATIOS.includes(signal))
    fields.tell('signal', `is ${signal}: it has to be a share of requests, ${RATIOS.join(', ')}${suggest(signal, RATIOS)}`)
  const objective = readObjective(fields)
  const windows = fields.has('windows') ? fields.each('windows').flatMap((window) => readWindow(window) ?? []) : WINDOWS
  fields.refuseOthers()
  if (objective === undefined || !RATIOS.includes(signal)) return undefined
  // A rate that more than every request would have to fail for never comes.
  const reachable = windows.filter(({ factor }) => factor * (1 - objective) < 1)
  if (reachable.length === 0) {
    fields.tell('objective', 'leaves such a budget that none of the windows can ever be reached')
    return undefined
  }
  return toConditions(signal, 1 - objective, reachable)
}

function toConditions(signal: string, budget: number, windows: readonly Window[]): BurnRate {
  const severities = [...new Set(windows.map(({ severity }) => severity))].sort((a, b) => rankOf(b) - rankOf(a))
  const conditionOf = (mildest: AlertSeverity): string =>
    windows
      .filter(({ severity }) => rankOf(severity) >= rankOf(mildest))
      .map(({ factor, longMs, shortMs }) => {
        const limit = Number((factor * budget).toPrecision(12))
        return `(${signal}[${formatDuration(longMs)}] > ${limit} && ${signal}[${formatDuration(shortMs)}] > ${limit})`
      })
      .join(' || ')
  const mildest = severities.at(-1)!
  return {
    severity: mildest,
    condition: conditionOf(mildest),
    raises: severities.slice(0, -1).map((severity) => ({ severity, condition: conditionOf(severity) })),
  }
}

/** 0.999 of `0.999` and of `99.9%`. */
function readObjective(fields: Fields): number | undefined {
  const given = fields.raw('objective')
  if (given === undefined) {
    fields.tell('objective', 'is missing: 99.9% of the requests, for example')
    return undefined
  }
  const percent = typeof given === 'string' ? /^(\d+(?:\.\d+)?)\s*%$/.exec(given.trim())?.[1] : undefined
  const share = percent === undefined ? given : Number(percent) / 100
  if (typeof share === 'number' && share > 0 && share < 1) return share
  fields.tell('objective', `is ${JSON.stringify(given)}: it has to be a share between 0 and 1, 0.999 or 99.9%`)
  return undefined
}

function readWindow(fields: Fields): Window | undefined {
  const [factor, longMs, shortMs, severity] = [
    fields.number('factor'),
    fields.duration('long'),
    fields.duration('short'),
    fields.oneOf('severity', ALERT_SEVERITIES) ?? 'critical',
  ]
  for (const name of ['factor', 'long', 'short']) if (!fields.has(name)) fields.tell(name, 'is missing')
  if (factor !== undefined && factor <= 0) fields.tell('factor', `is ${factor}: it has to be more than 0`)
  if (longMs !== undefined && shortMs !== undefined && shortMs >= longMs) fields.tell('short', 'has to be shorter than long')
  fields.refuseOthers()
  return factor === undefined || longMs === undefined || shortMs === undefined ? undefined : { factor, longMs, shortMs, severity }
}
