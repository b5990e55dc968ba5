import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import type { Guard } from './guard.ts'
import { setRoute } from './server-request.ts'

/** The little of a Fastify request that is read; `url` is missing where no route matched. */
type FastifyRequest = { readonly raw: IncomingMessage; readonly routeOptions: { readonly url?: string } }
type FastifyInstance = { addHook(name: 'onRequest', hook: (request: FastifyRequest, reply: unknown, done: () => void) => void): unknown }

/**
 * Names server spans by Fastify's routes. Two channels of Fastify itself, nothing wrapped:
 * a new instance gets an `onRequest` hook, so that requests refused before their handler (validation, credentials, rate limits) have
 * a route as well; the handler's own channel serves instances that were made before us.
 *
 * @returns stops naming; hooks that instances already have go on, and do nothing without server spans.
 */
export function instrumentFastify({ guard }: { readonly guard: Guard }): () => void {
  function nameByRoute(request: FastifyRequest): void {
    guard.run(() => {
      const route = request.routeOptions.url
      if (route !== undefined) setRoute(request.raw, route)
    })
  }

  function onInstance(message: unknown): void {
    guard.run(() => {
      // Published once by each `fastify()`: https://fastify.dev/docs/latest/Reference/Hooks/#diagnostics-channel-hooks
      const { fastify } = message as { fastify: FastifyInstance }
      fastify.addHook('onRequest', (request, _reply, done) => {
        nameByRoute(request)
        done()
      })
    })
  }

  function onHandler(message: unknown): void {
    const { request } = message as { request: FastifyRequest } // same page
    nameByRoute(request)
  }

  subscribe('fastify.initialization', onInstance)
  subscribe('tracing:fastify.request.handler:start', onHandler)
  return () => {
    unsubscribe('fastify.initialization', onInstance)
    unsubscribe('tracing:fastify.request.handler:start', onHandler)
  }
}
