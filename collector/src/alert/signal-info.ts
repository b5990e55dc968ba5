import { LOG_COUNT, SIGNALS, type SignalInfo } from '../signal-names.ts'

/** What is known of a signal, or of a count of log records. */
export function infoOf(signal: string): SignalInfo {
  return Object.hasOwn(SIGNALS, signal) ? SIGNALS[signal as keyof typeof SIGNALS] : LOG_COUNT
}
