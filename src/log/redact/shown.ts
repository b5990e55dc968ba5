/** What JSON or a reader would see of any value, without trusting it: getters, proxies and `toJSON` run code of the app and may throw. */

/** Stands for what threw when it was looked at. */
export const UNREADABLE = '[UNREADABLE]'

/** The field `name` of `record`. */
export function readField(record: object, name: string): unknown {
  try {
    return Reflect.get(record, name)
  } catch {
    return UNREADABLE
  }
}

/** Sets a field of our own copy, also one that is called `__proto__`. */
export function putField(copy: Record<string, unknown>, name: string, value: unknown): void {
  if (name === '__proto__') Object.defineProperty(copy, name, { value, enumerable: true, configurable: true, writable: true })
  else copy[name] = value
}

/** Content that an object hides from `Object.keys`; the object itself where it hides none. */
export function toShown(value: object): unknown {
  try {
    if (value instanceof Error) return withoutUndefined({ ...value, ...describe(value) })
    if (value instanceof Map) return Object.fromEntries(value)
    if (value instanceof Set) return [...value]
    if (!('toJSON' in value) || typeof value.toJSON !== 'function') return value
    const shown: unknown = value.toJSON()
    // Without the method, which would be called again on a copy and could give anything.
    return shown === value ? withoutFunctions(value) : shown
  } catch {
    return UNREADABLE
  }
}

/** Whether `value` shows the same each time, so that it may stay where nothing was found in it. */
export function showsAlwaysTheSame(value: object): boolean {
  return value instanceof Error || value instanceof Map || value instanceof Set || value instanceof Date || value instanceof URL
}

function describe(error: Error): Record<string, unknown> {
  const { name, message, stack, cause } = error
  return { name, message, stack, cause, ...(error instanceof AggregateError && { errors: error.errors }) }
}

function withoutFunctions(value: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => typeof field !== 'function'))
}

function withoutUndefined(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined))
}
