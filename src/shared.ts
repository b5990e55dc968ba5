/**
 * One value for all copies of this package in a thread: `register` loads one, a bundled app brings another, and what is loaded late has a
 * third. `name` stands for the shape of the value, which older copies know: a value of another shape gets another name.
 */
export function shared<T>(name: string, make: () => T): T {
  const key = Symbol.for(`tts-otel.${name}`)
  const value: T = Reflect.get(globalThis, key) ?? make()
  Reflect.set(globalThis, key, value)
  return value
}
