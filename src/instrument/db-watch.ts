/** A method of a class of the app's client; its parameters and results are passed on as they are. */
export type Method = (this: object, ...parameters: unknown[]) => unknown

/** On the wrapping function: a class is watched once, however often and by however many it is asked for. */
const WATCHED = Symbol.for('tts-otel.watched')

/**
 * Puts what `wrap` makes of a method in its place: on the prototype of `owner`, or of the class it extends that has the method. Name and
 * length stay. False when there is no such method, or it is watched already.
 */
export function watchMethod(owner: unknown, name: string, wrap: (method: Method) => Method): boolean {
  const prototype = prototypeWith(owner, name)
  const method = prototype?.[name]
  if (!isMethod(method) || WATCHED in method) return false
  const watched = wrap(method)
  Object.defineProperties(watched, { name: { value: name }, length: { value: method.length }, [WATCHED]: { value: true } })
  Object.defineProperty(prototype, name, { value: watched })
  return true
}

function prototypeWith(owner: unknown, name: string): Record<string, unknown> | undefined {
  let prototype: unknown = isMethod(owner) ? owner.prototype : undefined
  while (isRecord(prototype) && !Object.hasOwn(prototype, name)) prototype = Object.getPrototypeOf(prototype)
  return isRecord(prototype) ? prototype : undefined
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

export function isMethod(value: unknown): value is Method & { readonly prototype: unknown } {
  return typeof value === 'function'
}
