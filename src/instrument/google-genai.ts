import { context } from '@opentelemetry/api'
import type { GeminiResponse } from './genai-answer.ts'
import { createCallRecorder, type GeminiCall } from './genai-call.ts'
import type { Endpoint, GeminiApiClient, GeminiParams } from './genai-request.ts'
import { createGuard, type Guard } from './guard.ts'
import { isSuppressed } from './suppress.ts'

/** A method of `Models`; its parameters and results are passed on as they are. */
type Method = (this: unknown, ...parameters: unknown[]) => unknown
type Models = { readonly apiClient?: GeminiApiClient; [name: string]: unknown }

/** Watches calls of @google/genai 1.x to 3.x. */
export type GeminiInstrument = {
  /** Watches every client that this copy of the module will make. */
  watchModule(exports: unknown): void
  /** Watches one client that exists. */
  watchClient(client: unknown): void
  /** Everything watched goes on as if it were not. */
  stop(): void
}

/** The methods that all others (chats, function calling) go through. */
const ENDPOINTS: Readonly<Record<string, Endpoint>> = { generateContent: 'generateContent', generateContentStream: 'streamGenerateContent' }
/** On the wrapping function: a client is watched once, however often and by however many it is asked for. */
const WATCHED = Symbol.for('tts-otel.gemini')

/**
 * Watches `client` (a `GoogleGenAI`): for apps that bundle @google/genai, where `--import tts-otel/register` cannot find the module.
 * A client that is watched already is left alone. Without registration only a surrounding `ttsRequest` learns of the calls.
 *
 * @returns the same client.
 */
export function instrumentGemini<T extends object>(client: T): T {
  createGeminiInstrument(createGuard('google-genai')).watchClient(client)
  return client
}

/**
 * Makes a `gemini_api_call` span of each call of `models.generateContent` and `generateContentStream`, retries and continuations included.
 * The caller gets the client's own objects, errors and laziness; nothing is buffered and no getter is read.
 */
export function createGeminiInstrument(guard: Guard): GeminiInstrument {
  const startCall = createCallRecorder(guard)
  let isStopped = false

  function begin(models: unknown, params: unknown, endpoint: Endpoint): GeminiCall | undefined {
    if (isStopped || !isRecord(params) || isSuppressed(context.active())) return undefined
    try {
      // Every part of both is optional in these types.
      return startCall({ params: params as GeminiParams, client: (models as Models).apiClient, endpoint })
    } catch (error) {
      guard.failed(error)
      return undefined
    }
  }

  function watch(models: unknown, name: string, method: Method): Method {
    if (WATCHED in method) return method
    const endpoint = ENDPOINTS[name]!
    const follow = endpoint === 'generateContent' ? followAnswer : followStream
    const watched: Method = function (...parameters) {
      const call = begin(models ?? this, parameters[0], endpoint)
      return call ? follow(context.with(call.context, method, this, ...parameters), call) : method.apply(this, parameters)
    }
    return Object.defineProperties(watched, { name: { value: name }, [WATCHED]: { value: true } })
  }

  /** The client assigns these methods in its constructor: a setter on the prototype sees that, and nothing of the class is replaced. */
  function watchAssignment(prototype: object, name: string): void {
    if (name in prototype) return
    Object.defineProperty(prototype, name, {
      configurable: true,
      get: () => undefined,
      set(this: object, value: unknown) {
        const watched = isMethod(value) ? watch(this, name, value) : value
        Object.defineProperty(this, name, { value: watched, writable: true, enumerable: true, configurable: true })
      },
    })
  }

  return {
    watchModule(exports) {
      const prototype = isRecord(exports) && isMethod(exports.Models) ? exports.Models.prototype : undefined
      if (!isRecord(prototype)) return
      for (const name of Object.keys(ENDPOINTS)) watchAssignment(prototype, name)
    },
    watchClient(client) {
      const models = isRecord(client) ? client.models : undefined
      if (!isRecord(models)) return
      for (const name of Object.keys(ENDPOINTS)) {
        const method = models[name]
        if (isMethod(method)) models[name] = watch(models, name, method)
      }
    },
    stop() {
      isStopped = true
    },
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function isMethod(value: unknown): value is Method & { readonly prototype: unknown } {
  return typeof value === 'function'
}

/** Passes on the same answer or the same error. The derived promise, not a side branch, keeps an unhandled rejection unhandled. */
function followAnswer(result: unknown, call: GeminiCall): unknown {
  return follow(result, call, (response) => {
    call.received(response as GeminiResponse) // every part of it is optional
    call.completed()
  })
}

function followStream(result: unknown, call: GeminiCall): unknown {
  return follow(result, call, (stream) => {
    if (isRecord(stream)) watchIteration(stream, call)
  })
}

function follow(result: unknown, call: GeminiCall, onValue: (value: unknown) => void): unknown {
  if (!(result instanceof Promise)) return result
  return result.then(
    (value) => {
      onValue(value)
      return value
    },
    (error) => {
      call.failed(error)
      throw error
    },
  )
}

/** The caller gets the client's own generator: only what its three methods do is watched, when the caller calls them. */
function watchIteration(stream: Record<string, unknown>, call: GeminiCall): void {
  const { next } = stream
  if (!isMethod(next)) return
  stream.next = function (...values: unknown[]) {
    return follow(context.with(call.context, next, this, ...values), call, (result) => {
      const { done, value } = result as IteratorResult<GeminiResponse>
      if (done) call.completed()
      else call.received(value)
    })
  }
  for (const name of ['return', 'throw']) {
    const method = stream[name]
    if (!isMethod(method)) continue
    stream[name] = function (...values: unknown[]) {
      call.left()
      return context.with(call.context, method, this, ...values)
    }
  }
}
