import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { formatWithOptions, type InspectOptions } from 'node:util'
import { createBridge } from '../bridge/emit.ts'
import { type Level, SEVERITIES } from '../log/levels.ts'
import type { Guard } from './guard.ts'

/** The methods of the console that Node publishes before they write; the others (`trace`, `table`, `assert`, `dir`) go through these. */
const LEVELS: Readonly<Record<string, Level>> = {
  'console.debug': 'DEBUG',
  'console.log': 'INFO',
  'console.info': 'INFO',
  'console.warn': 'WARNING',
  'console.error': 'ERROR',
}
const SOURCE_NAME = 'console'
/** The console shows as much of an object; what it does not show is no part of the record either. */
const FORMAT: InspectOptions = {
  colors: false,
  depth: 2,
  maxArrayLength: 100,
  maxStringLength: 8_192,
  breakLength: Number.POSITIVE_INFINITY,
}

/**
 * Makes log records of what the app writes with `console.*`, which still prints it. By Node's own channels, so nothing is replaced. Lines of
 * our own loggers go past the console and are not seen here.
 */
export function instrumentConsole({ guard }: { readonly guard: Guard }): () => void {
  const bridge = createBridge()
  let isInside = false

  const listeners = Object.entries(LEVELS).map(([channel, level]) => {
    const listener = (args: unknown): void => {
      // Whoever is called from here and writes to the console is not heard, or it would never end.
      if (isInside || !Array.isArray(args)) return
      isInside = true
      try {
        const error = args.find((value) => value instanceof Error)
        const fields = error === undefined ? {} : { error }
        bridge({ source: SOURCE_NAME, severityNumber: SEVERITIES[level], severityText: level, message: toText(args), fields })
      } catch (fault) {
        guard.failed(fault)
      } finally {
        isInside = false
      }
    }
    subscribe(channel, listener)
    return () => unsubscribe(channel, listener)
  })
  return () => {
    for (const stop of listeners) stop()
  }
}

/** As the console writes it, errors without their stacks: those have attributes of their own. */
function toText(args: readonly unknown[]): string {
  return formatWithOptions(FORMAT, ...args.map((value) => (value instanceof Error ? `${value.name}: ${value.message}` : value)))
}
