import type { Context, ContextManager } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'

/** A context manager that can also make a context current without a function to run in it. */
export type EnterableContextManager = ContextManager & {
  /** Makes `context` the active one for the rest of this asynchronous execution, as `AsyncLocalStorage.enterWith` does. */
  readonly enterWith: (context: Context) => void
}

/** The standard manager, with `enterWith` for instrumentation that hears of a request but cannot wrap its handler (diagnostics channels). */
export function createContextManager(): EnterableContextManager {
  const manager = new AsyncLocalStorageContextManager()
  // Private by convention only; `attach()` does the same with an object on top for each request.
  // biome-ignore lint/complexity/useLiteralKeys: this is how TypeScript lets a private field be read
  const storage = manager['_asyncLocalStorage']
  return Object.assign(manager, { enterWith: (context: Context) => storage.enterWith(context) })
}
