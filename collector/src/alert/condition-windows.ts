import { SIGNAL_WINDOW_MS_MAX, SIGNAL_WINDOW_MS_MIN } from '../signal-names.ts'
import type { Complaint } from './complaint.ts'
import { formatDuration, parseDuration } from './duration.ts'

/** A signal as a condition names it. */
export type ConditionSignal = {
  /** As it is written: `error_rate[1m]`. */
  readonly name: string
  readonly signal: string
  readonly windowMs: number
}

/** CEL with a name in place of each signal with a window; the same length, so that places in the one are places in the other. */
export type WindowedSource =
  | { readonly kind: 'ok'; readonly source: string; readonly signals: ReadonlyMap<string, ConditionSignal> }
  | { readonly kind: 'problem'; readonly problem: Complaint }

/** A text in quotes, or a name with something in brackets that is no text. */
const TOKEN = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|([A-Za-z_]\w*)\s*\[([^\][,'"]*)\]/g

/** Replaces `error_rate[1m]`, which CEL cannot read, by a name of the same length. */
export function readWindows(text: string, known: readonly string[]): WindowedSource {
  const signals = new Map<string, ConditionSignal>()
  let problem: Complaint | undefined
  const source = text.replace(TOKEN, (whole: string, signal: string | undefined, inside: string | undefined, start: number) => {
    if (signal === undefined || inside === undefined || signal === 'in') return whole
    const windowMs = parseDuration(inside.trim())
    problem ??= findProblem({ signal, windowMs, whole, start, known })
    const id = whole.replace(/\W/g, '_')
    signals.set(id, { name: `${signal}[${inside.trim()}]`, signal, windowMs: windowMs ?? 0 })
    return id
  })
  return problem === undefined ? { kind: 'ok', source, signals } : { kind: 'problem', problem }
}

type Found = {
  readonly signal: string
  readonly windowMs: number | undefined
  readonly whole: string
  readonly start: number
  readonly known: readonly string[]
}

function findProblem({ signal, windowMs, whole, start, known }: Found): Complaint | undefined {
  const inside = { start: start + whole.indexOf('[') + 1, end: start + whole.length - 1 }
  // An unknown name is found by whoever checks names, with or without a window.
  if (!known.includes(signal)) return undefined
  if (windowMs === undefined) return { message: 'has a window that is no duration: write 30s, 5m or 1h30m', ...inside }
  if (windowMs < SIGNAL_WINDOW_MS_MIN || windowMs > SIGNAL_WINDOW_MS_MAX)
    return {
      message: `has a window out of range: ${formatDuration(SIGNAL_WINDOW_MS_MIN)} to ${formatDuration(SIGNAL_WINDOW_MS_MAX)}`,
      ...inside,
    }
  return undefined
}
