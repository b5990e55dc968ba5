import type { HealthCheck } from './check.ts'
import { createPending } from './pending.ts'

/** What is used of an ioredis or node-redis client, or a cluster of them. */
export type RedisClient = {
  ping(): Promise<unknown>
  /** ioredis: `ready`, `connecting`, `reconnecting`, … */
  readonly status?: string
  /** node-redis. */
  readonly isReady?: boolean
}

/**
 * Sends `PING` through an ioredis 5 or 6, or node-redis client.
 *
 * While Redis is gone these clients keep commands for later, and a command cannot be called off: a `PING` without an answer is waited for
 * by the next check, so that there is never a second one in the queue.
 */
export function redisCheck(client: RedisClient): HealthCheck {
  const ping = createPending({ start: () => client.ping(), dispose: () => {} })
  return async function checkRedis({ signal, timeoutMs }) {
    try {
      await ping(signal)
    } catch (error) {
      const state = signal.aborted ? stateOf(client) : undefined
      throw state === undefined ? error : new Error(`not connected within ${timeoutMs} ms${state}`, { cause: error })
    }
  }
}

/** What to add to "not connected"; undefined when the client is connected, or does not say. */
function stateOf({ status, isReady }: RedisClient): string | undefined {
  if (status !== undefined) return status === 'ready' ? undefined : ` (${status})`
  return isReady === false ? '' : undefined
}
