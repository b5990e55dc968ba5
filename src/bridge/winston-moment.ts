import type { Writable } from 'node:stream'
import { type Context, context } from '@opentelemetry/api'
import { currentRequest, type RequestContext } from '../request-context.ts'

/** Where, when and for whom something was logged. */
export type Moment = { readonly context: Context; readonly request: RequestContext | undefined; readonly timeMs: number }

/** On the info itself: formats copy it with all else. */
const MOMENT = Symbol('tts-otel.moment')

/**
 * Notes the moment on each info that is written to `logger` from now on: winston's streams hand infos on later, in the context of whoever
 * made room, as soon as one transport is slow. Returns what undoes it.
 */
export function stampMoments(logger: Writable): () => void {
  const write = logger.write
  const isOwn = Object.hasOwn(logger, 'write')

  function writeStamped(this: unknown, ...args: readonly unknown[]): unknown {
    const [info] = args
    if (typeof info === 'object' && info !== null && Object.isExtensible(info)) {
      const moment: Moment = { context: context.active(), request: currentRequest(), timeMs: Date.now() }
      Object.defineProperty(info, MOMENT, { value: moment, enumerable: true, configurable: true, writable: true })
    }
    return Reflect.apply(write, this, args)
  }

  Reflect.set(logger, 'write', writeStamped)
  return () => {
    if (logger.write !== writeStamped) return
    if (isOwn) Reflect.set(logger, 'write', write)
    else Reflect.deleteProperty(logger, 'write')
  }
}

/** The moment of `info`; the present one where it was not written through a stamped logger. */
export function momentOf(info: object): Moment {
  return Reflect.get(info, MOMENT) ?? { context: context.active(), request: currentRequest(), timeMs: Date.now() }
}
