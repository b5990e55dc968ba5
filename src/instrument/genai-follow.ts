import { context } from '@opentelemetry/api'
import type { GeminiCall } from './genai-call.ts'

/** A function of the client; its parameters and results are passed on as they are. */
export type Method = (this: unknown, ...parameters: unknown[]) => unknown

/**
 * Follows what a method of the client gave to its caller, without changing what the caller gets: the same objects, the same errors, and
 * nothing is read before the caller reads it.
 *
 *     promise ──► response                                                   ──► call.received, call.completed
 *             └─► stream: a generator, a ReadableStream, a Stream of 2.x ──► the caller's own next() ──► call.received …
 *
 * @returns what the caller is to get: a promise for the same value.
 */
export function followResult(result: unknown, call: GeminiCall): unknown {
  if (isApiPromise(result)) return followApiPromise(result, call)
  if (result instanceof Promise) return followPromise(result, call, (value) => followValue(value, call))
  // As of a client that an app has put in the place of the real one.
  call.handedOver()
  return result
}

/** An object, and not null. */
export function isRecord(value: unknown): value is Record<PropertyKey, unknown> {
  return typeof value === 'object' && value !== null
}

/** Something that can be called. */
export function isMethod(value: unknown): value is Method & { readonly prototype: unknown } {
  return typeof value === 'function'
}

/** Replaces a property of this one object; whoever lists its properties sees what was to be seen before. */
export function override(target: object, name: PropertyKey, value: unknown): void {
  const enumerable = Object.getOwnPropertyDescriptor(target, name)?.enumerable ?? false
  Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable })
}

type Settle = { readonly fulfilled: (value: unknown) => unknown; readonly rejected: (error: unknown) => never }

/** Looks at what a promise is settled with, and passes it on. */
function watchSettling(call: GeminiCall, onValue: (value: unknown) => void): Settle {
  return {
    fulfilled(value) {
      onValue(value)
      return value
    },
    rejected(error) {
      call.failed(error)
      throw error
    },
  }
}

/** The derived promise, not a side branch: an unhandled rejection stays unhandled. */
function followPromise(promise: Promise<unknown>, call: GeminiCall, onValue: (value: unknown) => void): Promise<unknown> {
  const { fulfilled, rejected } = watchSettling(call, onValue)
  return promise.then(fulfilled, rejected)
}

type ApiPromise = { responsePromise: Promise<unknown>; parseResponse: Method; asResponse?: unknown; parsedPromise?: unknown }

/** The promise of interactions in 2.x: it parses its answer when somebody asks for it, and has methods that a plain promise has not. */
function isApiPromise(value: unknown): value is ApiPromise {
  return isRecord(value) && value.responsePromise instanceof Promise && isMethod(value.parseResponse)
}

function followApiPromise(promise: ApiPromise, call: GeminiCall): unknown {
  const { responsePromise, parseResponse, asResponse } = promise
  promise.responsePromise = followPromise(responsePromise, call, () => {})
  promise.parseResponse = async function (...values) {
    return followPromise(Promise.resolve(parseResponse.apply(this, values)), call, (value) => followValue(value, call))
  }
  if (!isMethod(asResponse)) return promise
  override(promise, 'asResponse', function (this: unknown) {
    const response = asResponse.call(this)
    return response instanceof Promise && !promise.parsedPromise ? followPromise(response, call, call.handedOver) : response
  })
  return promise
}

function followValue(value: unknown, call: GeminiCall): void {
  if (isRecord(value) && isMethod(value[Symbol.asyncIterator])) {
    followStream(value, call)
  } else {
    call.received(value)
    call.completed()
  }
}

/** A fault of ours must not cost the caller its stream. */
function followStream(stream: Record<PropertyKey, unknown>, call: GeminiCall): void {
  try {
    call.comesIn(stream)
    if (isMethod(stream.getReader)) followReadable(stream, call)
    else if (isMethod(stream.iterator)) followIterable(stream, call)
    else followIteration(stream, call)
  } catch {
    call.handedOver()
  }
}

/** `Stream` of 2.x: iteration, `tee` and `toReadableStream` all take its `iterator`. Its abort ends the iteration without an error. */
function followIterable(stream: Record<PropertyKey, unknown>, call: GeminiCall): void {
  const { iterator, controller } = stream
  if (!isMethod(iterator)) return
  const signal = controller instanceof AbortController ? controller.signal : undefined
  stream.iterator = function (this: unknown) {
    const iteration = iterator.call(this)
    if (isRecord(iteration)) followIteration(iteration, call, signal)
    return iteration
  }
}

/** A ReadableStream is read by iteration or a reader; `tee` and pipes read it where nobody can watch. */
function followReadable(stream: Record<PropertyKey, unknown>, call: GeminiCall): void {
  const { [Symbol.asyncIterator]: iterate, getReader } = stream
  if (isMethod(iterate)) {
    override(stream, Symbol.asyncIterator, function (this: unknown, ...values: unknown[]) {
      const iteration = iterate.apply(this, values)
      if (isRecord(iteration)) followIteration(iteration, call)
      return iteration
    })
  }
  if (isMethod(getReader)) {
    override(stream, 'getReader', function (this: unknown, ...values: unknown[]) {
      const reader = getReader.apply(this, values)
      if (isRecord(reader)) followReader(reader, call)
      return reader
    })
  }
  notify(stream, 'cancel', call, call.left)
  for (const name of ['tee', 'pipeTo', 'pipeThrough']) notify(stream, name, call, call.handedOver)
}

function followReader(reader: Record<PropertyKey, unknown>, call: GeminiCall): void {
  followSteps(reader, 'read', call)
  notify(reader, 'cancel', call, call.left)
}

/** The caller gets the client's own generator: only what its three methods do is watched, when the caller calls them. */
function followIteration(iteration: Record<PropertyKey, unknown>, call: GeminiCall, signal?: AbortSignal): void {
  followSteps(iteration, 'next', call, signal)
  notify(iteration, 'return', call, call.left)
  notify(iteration, 'throw', call, call.left)
}

/** `next` or `read`: gives `{done, value}`. */
function followSteps(target: Record<PropertyKey, unknown>, name: string, call: GeminiCall, signal?: AbortSignal): void {
  const step = target[name]
  if (!isMethod(step)) return
  const onStep = (result: unknown): void => {
    if (!isRecord(result)) return
    if (!result.done) call.received(result.value)
    else if (signal?.aborted) call.left()
    else call.completed()
  }
  // Once for all steps: a stream has thousands.
  const { fulfilled, rejected } = watchSettling(call, onStep)
  override(target, name, function (this: unknown, ...values: unknown[]) {
    const result = context.with(call.context, step, this, ...values)
    return result instanceof Promise ? result.then(fulfilled, rejected) : result
  })
}

/** Says that `name` was called, and calls it. */
function notify(target: Record<PropertyKey, unknown>, name: string, call: GeminiCall, onCall: () => void): void {
  const method = target[name]
  if (!isMethod(method)) return
  override(target, name, function (this: unknown, ...values: unknown[]) {
    onCall()
    return context.with(call.context, method, this, ...values)
  })
}
