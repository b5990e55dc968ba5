import { EventEmitter } from 'node:events'
import type { Context, ContextManager } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { currentRequest, type RequestContext, resumeRequest } from './request-context.ts'

/** A context manager that can also make a context current without a function to run in it. */
export type EnterableContextManager = ContextManager & {
  /** Makes `context` the active one for the rest of this asynchronous execution, as `AsyncLocalStorage.enterWith` does. */
  readonly enterWith: (context: Context) => void
}

/** Only a mark: makes a context that is nobody else's. */
const BOUND = Symbol('tts-otel.bound')

/**
 * The standard manager, with `enterWith` for instrumentation that hears of a request but cannot wrap its handler (diagnostics channels), and
 * with a `bind` that brings the request of its caller along: functions, and listeners of emitters whatever fires them, have its ids.
 */
export function createContextManager(): EnterableContextManager {
  const manager = new AsyncLocalStorageContextManager()
  const bind = manager.bind.bind(manager)
  const requests = new WeakMap<Context, RequestContext>()
  // Private by convention only; `attach()` does the same with an object on top for each request.
  // biome-ignore lint/complexity/useLiteralKeys: this is how TypeScript lets a private field be read
  const storage = manager['_asyncLocalStorage']

  /** An emitter's listeners are bound one by one when they are added, by this function, with the context of the emitter. */
  function bindRequest<T>(context: Context, target: T): T {
    const request = requests.get(context) ?? currentRequest()
    if (request === undefined) return bind(context, target)
    if (target instanceof EventEmitter) {
      const own = context.setValue(BOUND, true)
      requests.set(own, request)
      return bind(own, target)
    }
    return typeof target === 'function' ? bind(context, inRequest(request, target)) : bind(context, target)
  }

  return Object.assign(manager, { bind: bindRequest, enterWith: (context: Context) => storage.enterWith(context) })
}

/** Length stays: Express and others tell functions apart by it. */
function inRequest<T extends object>(request: RequestContext, target: T): T {
  return new Proxy(target, {
    apply: (fn, self, values) => resumeRequest(request, () => Reflect.apply(fn as () => unknown, self, values)),
  })
}
