import type { DbCall } from './db-call.ts'
import type { InContext } from './db-context.ts'
import { isMethod, type Method } from './db-watch.ts'

/** What `pg` calls while it runs a `Query` object, a cursor, a query stream or a COPY stream. */
const HANDLERS = [
  'handleRowDescription',
  'handleDataRow',
  'handlePortalSuspended',
  'handleCommandComplete',
  'handleEmptyQuery',
  'handleCopyInResponse',
  'handleCopyData',
  'handleError',
  'handleReadyForQuery',
] as const

/** An object that runs itself on a connection: the caller made it, and listens to it. */
export type Submittable = { readonly text?: unknown; submit(connection: unknown): unknown } & Record<string, unknown>

export function isSubmittable(config: unknown): config is Submittable {
  return typeof config === 'object' && config !== null && 'submit' in config && typeof config.submit === 'function'
}

/**
 * Follows such an object to its end, and runs its listeners and callbacks in the context of whoever gave it to `client.query`: `pg` calls
 * them from the context of the connection. No listener is added, so an error that nobody listens for stays unhandled.
 */
export function watchSubmittable(
  query: Submittable,
  { call, inContext }: { readonly call: DbCall | undefined; readonly inContext: InContext },
): void {
  for (const name of HANDLERS)
    replace(query, name, (handler) => {
      return function (...values) {
        if (name === 'handleError') call?.failed(values[0])
        // A row that could not be parsed is told as an error only now.
        else if (name === 'handleReadyForQuery' && !query._canceledDueToError) call?.answered()
        return inContext(handler, this, ...values)
      }
    })
  // Of a stream the data comes when it is read, or past `pg` straight from the connection (`COPY … TO STDOUT`).
  if (isMethod(query.pipe))
    replace(query, 'emit', (emit) => {
      return function (...values) {
        return inContext(emit, this, ...values)
      }
    })
}

/** A property of its own stays enumerable, a new one is not. */
function replace(query: Submittable, name: string, wrap: (method: Method) => Method): void {
  const method = query[name]
  if (isMethod(method)) Object.defineProperty(query, name, { value: wrap(method), writable: true, configurable: true })
}
