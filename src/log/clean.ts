import { type Context, createContextKey } from '@opentelemetry/api'

/** What was done to a record before it was emitted: secrets are gone, and with `hashed` identities as well. */
export type Cleaning = 'redacted' | 'hashed'

/** Made by a global symbol, so that a second copy of this package understands the first. */
const CLEANING = createContextKey('tts-otel.cleaning')

/**
 * A context that says so to the log processor of this package, which then need not look again. It travels with the record alone: it is not
 * active anywhere, is no attribute, and another provider reads the span from it as ever.
 */
export function markClean(context: Context, cleaning: Cleaning): Context {
  return {
    getValue: (key) => (key === CLEANING ? cleaning : context.getValue(key)),
    setValue: (key, value) => context.setValue(key, value),
    deleteValue: (key) => context.deleteValue(key),
  }
}

/** Whether the record that came with `context` was cleaned as `cleaning` says. */
export function isClean(context: Context | undefined, cleaning: Cleaning): boolean {
  return context?.getValue(CLEANING) === cleaning
}
