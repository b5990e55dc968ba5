import { context } from '@opentelemetry/api'
import { type CallRecorderOptions, createCallRecorder, type GeminiCall } from './genai-call.ts'
import { followResult, isMethod, isRecord, type Method, override } from './genai-follow.ts'
import { readInteractionRequest } from './genai-interaction-request.ts'
import { createLiveWatcher } from './genai-live.ts'
import { type CallRequest, type GeminiApiClient, readGenerateRequest } from './genai-request.ts'
import type { Guard } from './guard.ts'
import { isSuppressed } from './suppress.ts'

/** Watches calls of @google/genai 2.x and 3.x. */
export type GeminiInstrument = {
  /** Watches every client that this copy of the module will make. */
  watchModule(exports: unknown): void
  /** Watches one client that exists. */
  watchClient(client: unknown): void
  /** Everything watched goes on as if it were not. */
  stop(): void
}

/** The methods that all others (chats, function calling) go through, and whether they stream. */
const MODEL_METHODS: Readonly<Record<string, boolean>> = { generateContent: false, generateContentStream: true }
/** On the wrapping function: a client is watched once, however often and by however many it is asked for. */
const WATCHED = Symbol.for('tts-otel.gemini')

/**
 * Makes a `gemini_api_call` span of each call of `models.generateContent`, `generateContentStream` and `interactions.create`, retries and
 * continuations included, and of each connection of `live.connect`. The caller gets the client's own objects, errors and laziness; nothing is buffered and no getter of an answer is read.
 */
export function createGeminiInstrument(guard: Guard, options: CallRecorderOptions): GeminiInstrument {
  let isStopped = false
  const watch = createMethodWatcher({ guard, options, isOn: () => !isStopped })
  const watchLive = createLiveWatcher({ guard, options, isOn: () => !isStopped })

  /** Chats call the method on its own: `models` is known from where it stands. */
  function watchModels(models: object, name: string, method: Method): Method {
    if (WATCHED in method) return method
    return watch(name, method, (params) => readGenerateRequest(params, apiClientOf(models), MODEL_METHODS[name]!))
  }

  /** The client assigns these methods in its constructor: a setter on the prototype sees that, and nothing of the class is replaced. */
  function watchAssignment(prototype: object, name: string): void {
    if (name in prototype) return
    Object.defineProperty(prototype, name, {
      configurable: true,
      get: () => undefined,
      set(this: object, value: unknown) {
        const watched = isMethod(value) ? watchModels(this, name, value) : value
        Object.defineProperty(this, name, { value: watched, writable: true, enumerable: true, configurable: true })
      },
    })
  }

  function watchInteractions(interactions: unknown, client: unknown): void {
    const create = isRecord(interactions) ? interactions.create : undefined
    if (!isRecord(interactions) || !isMethod(create) || WATCHED in create) return
    const read = (params: object, more: unknown) => readInteractionRequest(params, isRecord(more) ? more : {}, apiClientOf(client))
    override(interactions, 'create', watch('create', create, read))
  }

  /** The client makes its `interactions` when they are first asked for, and so it stays: `owner` gets a getter around its own. */
  function watchInteractionsGetter(owner: object, descriptor: PropertyDescriptor): void {
    const { get } = descriptor
    if (!get || WATCHED in get) return
    const watched = function (this: unknown) {
      const interactions = get.call(this)
      try {
        watchInteractions(interactions, this)
      } catch (error) {
        guard.failed(error)
      }
      return interactions
    }
    Object.defineProperties(watched, { name: { value: get.name }, [WATCHED]: { value: true } })
    Object.defineProperty(owner, 'interactions', { ...descriptor, get: watched })
  }

  return {
    watchModule(exports) {
      if (!isRecord(exports)) return
      const models = isMethod(exports.Models) ? exports.Models.prototype : undefined
      if (isRecord(models)) for (const name of Object.keys(MODEL_METHODS)) watchAssignment(models, name)
      const client = isMethod(exports.GoogleGenAI) ? exports.GoogleGenAI.prototype : undefined
      const descriptor = isRecord(client) ? Object.getOwnPropertyDescriptor(client, 'interactions') : undefined
      if (isRecord(client) && descriptor) watchInteractionsGetter(client, descriptor)
      if (isMethod(exports.Live)) watchLive(exports.Live.prototype)
    },
    watchClient(client) {
      if (!isRecord(client)) return
      const { models } = client
      if (isRecord(models)) {
        for (const name of Object.keys(MODEL_METHODS)) {
          const method = models[name]
          if (isMethod(method)) models[name] = watchModels(models, name, method)
        }
      }
      const descriptor = findProperty(client, 'interactions')
      if (descriptor?.get) watchInteractionsGetter(client, descriptor)
      else watchInteractions(descriptor?.value, client)
      watchLive(client.live)
    },
    stop() {
      isStopped = true
    },
  }
}

type WatcherOptions = { readonly guard: Guard; readonly options: CallRecorderOptions; readonly isOn: () => boolean }
/** `read` makes of the parameters what the call asks for. */
type Watch = (name: string, method: Method, read: (params: object, more: unknown) => CallRequest) => Method

function createMethodWatcher({ guard, options, isOn }: WatcherOptions): Watch {
  const startCall = createCallRecorder(guard, options)
  return function watch(name, method, read) {
    function begin([params, more]: readonly unknown[]): GeminiCall | undefined {
      if (!isOn() || !isRecord(params) || isSuppressed(context.active())) return undefined
      try {
        return startCall(read(params, more))
      } catch (error) {
        guard.failed(error)
        return undefined
      }
    }
    const watched: Method = function (...parameters) {
      const call = begin(parameters)
      return call ? followCall(call, () => context.with(call.context, method, this, ...parameters)) : method.apply(this, parameters)
    }
    return Object.defineProperties(watched, { name: { value: name }, length: { value: method.length }, [WATCHED]: { value: true } })
  }
}

function followCall(call: GeminiCall, run: () => unknown): unknown {
  let result: unknown
  try {
    result = run()
  } catch (error) {
    call.failed(error)
    throw error
  }
  return followResult(result, call)
}

function apiClientOf(owner: unknown): GeminiApiClient | undefined {
  return isRecord(owner) && isRecord(owner.apiClient) ? owner.apiClient : undefined
}

/** The property as the object or a class of it defines it. */
function findProperty(target: object, name: string): PropertyDescriptor | undefined {
  for (let owner: object | null = target; owner !== null; owner = Object.getPrototypeOf(owner)) {
    const descriptor = Object.getOwnPropertyDescriptor(owner, name)
    if (descriptor) return descriptor
  }
  return undefined
}
