import { SIGNALS, type Signal } from '../wire/signal.ts'
import type { SignalHealth, TelemetryHealth } from './stats.ts'

/** What the items of each signal are called in a message. */
export const NAMES: Readonly<Record<Signal, string>> = { traces: 'spans', metrics: 'metric points', logs: 'log records' }

/** Says in one line what this process has lost, and nothing when that is nothing. */
export function sayLosses(health: TelemetryHealth, warn: (message: string) => void): void {
  const losses = SIGNALS.flatMap((signal) => describe(signal, health[signal]))
  if (losses.length === 0) return
  try {
    warn(`lost in this process: ${losses.join('; ')}. docs/operations.md says what to do about each reason`)
  } catch {
    // Nobody is left to tell.
  }
}

function describe(signal: Signal, { created, found, dropped }: SignalHealth): readonly string[] {
  const reasons = Object.entries(dropped).filter(([, items]) => items > 0)
  if (reasons.length === 0) return []
  const lost = reasons.reduce((sum, [, items]) => sum + items, 0)
  return [`${lost} of ${created + found} ${NAMES[signal]} (${reasons.map(([reason, items]) => `${reason} ${items}`).join(', ')})`]
}
