import { LOG_COUNT, SIGNALS, type SignalInfo } from '../signal-names.ts'

/** Labels that a signal, or a count of log records, can be told apart by. */
export function labelsOf(signal: string): readonly string[] {
  const info: SignalInfo = Object.hasOwn(SIGNALS, signal) ? SIGNALS[signal as keyof typeof SIGNALS] : LOG_COUNT
  return info.labels
}
