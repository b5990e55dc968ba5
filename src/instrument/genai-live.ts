import { AsyncLocalStorage } from 'node:async_hooks'
import { context } from '@opentelemetry/api'
import type { CallRecorderOptions } from './genai-call.ts'
import { isMethod, isRecord, type Method, override } from './genai-follow.ts'
import { createLiveRecorder, type LiveCall } from './genai-live-call.ts'
import { type LiveParams, readLiveRequest } from './genai-live-request.ts'
import type { GeminiApiClient } from './genai-request.ts'
import type { Guard } from './guard.ts'
import { isSuppressed } from './suppress.ts'

export type LiveWatcherOptions = {
  readonly guard: Guard
  readonly options: CallRecorderOptions
  readonly isOn: () => boolean
}

/** On the wrapping function: a client is watched once, however often and by however many it is asked for. */
const WATCHED = Symbol.for('tts-otel.gemini')

/**
 * Watches the connections of the Live API: the result is given a `Live` of @google/genai, or the prototype of all of them.
 *
 *     connect(params) ──► the client, with params in which the callbacks are followed ──► the same Session, its methods followed
 *     the server ───────► the client's own parsing ──► we look ──► the app's callback, in the context of connect
 *
 * The app's objects stay as they are; its callbacks get their own `this`, and are looked up when the client does.
 */
export function createLiveWatcher({ guard, options, isOn }: LiveWatcherOptions): (live: unknown) => void {
  let startLive: ReturnType<typeof createLiveRecorder> | undefined

  function begin(params: unknown, live: unknown): LiveCall | undefined {
    if (!isOn() || !isRecord(params) || !isRecord(params.callbacks) || isSuppressed(context.active())) return undefined
    try {
      startLive ??= createLiveRecorder(guard, options)
      return startLive(readLiveRequest(params as LiveParams, isRecord(live) ? apiClientOf(live) : undefined)) // every part is optional
    } catch (error) {
      guard.failed(error)
      return undefined
    }
  }

  function follow(session: unknown, call: LiveCall): unknown {
    try {
      if (isRecord(session)) followSession(session, call)
    } catch (error) {
      guard.failed(error)
    }
    return session
  }

  return function watchLive(live) {
    const connect = isRecord(live) ? live.connect : undefined
    if (!isRecord(live) || !isMethod(connect) || WATCHED in connect) return
    const watched: Method = function (params, ...rest) {
      const call = begin(params, this)
      if (!call || !isRecord(params)) return connect.call(this, params, ...rest)
      const session = context.with(call.context, connect, this, followParams(params, call), ...rest)
      if (!(session instanceof Promise)) return session
      return session.then(
        (value) => follow(value, call),
        (error) => {
          call.failed(error)
          throw error
        },
      )
    }
    override(live, 'connect', Object.defineProperties(watched, { name: { value: 'connect' }, [WATCHED]: { value: true } }))
  }
}

function apiClientOf({ apiClient }: Record<PropertyKey, unknown>): GeminiApiClient | undefined {
  return isRecord(apiClient) ? apiClient : undefined
}

type Observe = (value: unknown) => void

function followParams(params: Record<PropertyKey, unknown>, call: LiveCall): object {
  const callbacks = isRecord(params.callbacks) ? followCallbacks(params.callbacks, call) : params.callbacks
  return mirror(params, (key, value) => (key === 'callbacks' ? callbacks : value))
}

function followCallbacks(callbacks: Record<PropertyKey, unknown>, call: LiveCall): object {
  const inContext = AsyncLocalStorage.snapshot()
  const observers = new Map<PropertyKey, Observe>([
    ['onopen', () => {}],
    ['onmessage', call.received],
    ['onerror', call.broke],
    ['onclose', call.closed],
  ])
  const known = new Map<PropertyKey, { readonly callback: unknown; readonly followed: Method }>()

  function followCallback(callback: Method, observe: Observe): Method {
    return function (this: unknown, ...values) {
      observe(values[0])
      return inContext(Reflect.apply, callback, this === followed ? callbacks : this, values)
    }
  }

  function replace(key: PropertyKey, callback: unknown): unknown {
    const observe = observers.get(key)
    if (!observe) return callback
    const before = known.get(key)
    if (before && before.callback === callback) return before.followed
    // Without a callback the client is content with any function that listens; without `onmessage` it complains, and is to go on doing so.
    if (!isMethod(callback)) return callback == null && LISTENED.includes(key) ? observe : callback
    const replacement = followCallback(callback, observe)
    known.set(key, { callback, followed: replacement })
    return replacement
  }

  const followed = mirror(callbacks, replace)
  return followed
}

/** The client does without these; we do not. */
const LISTENED: readonly PropertyKey[] = ['onerror', 'onclose']

/** The methods of this one session tell when the app wants an answer, and when it has had enough. */
function followSession(session: Record<PropertyKey, unknown>, call: LiveCall): void {
  const { sendClientContent, sendRealtimeInput, close } = session
  if (isMethod(sendClientContent)) {
    const asks: Asks = (params) => !isRecord(params) || params.turnComplete !== false
    override(session, 'sendClientContent', followQuestion(sendClientContent, asks, call))
  }
  if (isMethod(sendRealtimeInput)) {
    // What is spoken is a question when the server thinks so, which nobody hears of.
    const asks: Asks = (params) => isRecord(params) && (typeof params.text === 'string' || isRecord(params.activityEnd))
    override(session, 'sendRealtimeInput', followQuestion(sendRealtimeInput, asks, call))
  }
  if (!isMethod(close)) return
  override(session, 'close', function (this: unknown, ...values: unknown[]) {
    call.closing()
    return close.apply(this, values)
  })
}

type Asks = (params: unknown) => boolean

function followQuestion(send: Method, asks: Asks, call: LiveCall): Method {
  return function (this: unknown, ...values) {
    const atMs = performance.now()
    const result = send.apply(this, values)
    if (asks(values[0])) call.asked(atMs)
    return result
  }
}

/** Reads as `target` does, with what `read` makes of its properties; writes go to `target`. Not a proxy of it: a frozen object must show what it has. */
function mirror(target: object, read: (key: PropertyKey, value: unknown) => unknown): object {
  const readProperty = (key: PropertyKey) => read(key, Reflect.get(target, key))
  return new Proxy(
    {},
    {
      get: (_, key) => readProperty(key),
      set: (_, key, value) => Reflect.set(target, key, value),
      has: (_, key) => key in target,
      ownKeys: () => Reflect.ownKeys(target),
      getPrototypeOf: () => Reflect.getPrototypeOf(target),
      getOwnPropertyDescriptor(_, key) {
        const descriptor = Reflect.getOwnPropertyDescriptor(target, key)
        return descriptor && { value: readProperty(key), writable: true, enumerable: descriptor.enumerable === true, configurable: true }
      },
    },
  )
}
