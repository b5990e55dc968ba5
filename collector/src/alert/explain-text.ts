import type { Labels } from '../notification.ts'
import { formatDuration } from './duration.ts'
import type { Explanation, InstanceExplanation } from './explain.ts'
import type { Hiding } from './hiding.ts'

/** An explanation for a person, several lines. */
export function explanationText(explanation: Explanation): string {
  const { rule, phase, severity, condition, forMs, keepFiringForMs, channels, noDataSinceMs, evaluatedAtMs, instances, instancesLeft } =
    explanation
  const waits = [
    ...(forMs > 0 ? [`for ${formatDuration(forMs)}`] : []),
    ...(keepFiringForMs > 0 ? [`kept for ${formatDuration(keepFiringForMs)}`] : []),
  ]
  return [
    `${rule}: ${phase.replace('_', ' ')}${noDataSinceMs === undefined ? '' : ` since ${isoTime(noDataSinceMs)}`} (${severity})`,
    `  condition  ${[condition.replace(/\s+/g, ' '), ...waits].join(', ')}`,
    `  channels   ${channels.join(', ') || 'none: nobody is told'}`,
    `  evaluated  ${evaluatedAtMs === 0 ? 'never' : isoTime(evaluatedAtMs)}`,
    ...(instances.length === 0
      ? ['  none of its signals has any data']
      : instances.map((instance) => `  ${describe(instance, explanation)}`)),
    ...(instancesLeft > 0 ? [`  and ${instancesLeft} more`] : []),
    '',
  ].join('\n')
}

function describe(instance: InstanceExplanation, { forMs, evaluatedAtMs }: Explanation): string {
  const { labels, phase, values, sinceMs, startsAtMs, hiddenBy, isTold, severity } = instance
  const shown = Object.entries(values).map(([name, value]) => `${name} is ${value === null ? 'unknown: no data' : readable(value)}`)
  const facts = [...shown, truthOf(instance), ...stepsOf({ phase, sinceMs, startsAtMs, forMs, evaluatedAtMs, severity })]
  const telling = phase !== 'firing' ? [] : [hiddenBy === undefined ? (isTold ? 'told' : 'not told yet') : hidingText(hiddenBy)]
  return `${namesOf(labels)}: ${[...facts, ...telling].join('; ')}`
}

function truthOf({ holds, isPartlySeen }: InstanceExplanation): string {
  if (isPartlySeen) return 'the condition depends on a part of a window that was not seen'
  if (holds === null) return 'the condition depends on what has no data'
  return holds ? 'the condition holds' : 'the condition does not hold'
}

type Steps = Pick<InstanceExplanation, 'phase' | 'severity'> & {
  readonly sinceMs: number | undefined
  readonly startsAtMs: number | undefined
  readonly forMs: number
  readonly evaluatedAtMs: number
}

function stepsOf({ phase, severity, sinceMs, startsAtMs, forMs, evaluatedAtMs }: Steps): readonly string[] {
  if (phase === 'firing' && startsAtMs !== undefined) return [`firing (${severity}) since ${isoTime(startsAtMs)}`]
  if (phase !== 'pending' || sinceMs === undefined) return []
  const leftMs = Math.max(0, sinceMs + forMs - evaluatedAtMs)
  return [`pending since ${isoTime(sinceMs)}, fires in ${formatDuration(leftMs)} if it goes on`]
}

function hidingText(hiding: Hiding): string {
  if (hiding.kind === 'silence') return `silenced by ${hiding.author} until ${isoTime(hiding.endsAtMs)}: ${hiding.reason}`
  return hiding.kind === 'mute_time' ? `muted in ${hiding.name}` : `inhibited by ${hiding.rule}`
}

function namesOf(labels: Labels): string {
  return Object.entries(labels).map(([name, value]) => `${name}=${value}`).join(', ') || 'the whole' // biome-ignore format: one thought
}

function readable(value: number): string {
  return String(Number(value.toPrecision(6)))
}

function isoTime(timeMs: number): string {
  return new Date(timeMs).toISOString()
}
