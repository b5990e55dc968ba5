import { tracingChannel } from 'node:diagnostics_channel'
import type { DbCall } from './db-call.ts'
import type { Guard } from './guard.ts'
import type { RedisCalls } from './ioredis-call.ts'

/** What ioredis 5.11 and later publishes of a command; its arguments are masked there, but not the keys. */
type CommandMessage = {
  readonly command: string
  readonly args: readonly unknown[]
  readonly database?: number
  readonly serverAddress?: string
  readonly serverPort?: number
  readonly error?: unknown
}

/**
 * Follows ioredis through its own channels: for copies that cannot be found, because the app is bundled. They tell of a command when it is
 * written: one that waits for a connection has lost its caller by then, those of an automatic pipeline have the first one's, and those that are
 * never written are not heard of. And with a listener ioredis keeps rejections from being unhandled. So they are left as soon as a copy is found.
 *
 * @returns stops following; commands under way still end.
 */
export function followChannels(startCommand: RedisCalls['command'], guard: Guard): () => void {
  const channel = tracingChannel<CommandMessage>('ioredis:command')
  const calls = new WeakMap<object, DbCall>()

  /** A subscriber that throws would end the process. */
  function guarded(step: (message: CommandMessage) => void): (message: unknown) => void {
    return (message) => guard.run(() => step(message as CommandMessage)) // documented: https://github.com/redis/ioredis#diagnostics-channel
  }

  const handlers = {
    start: guarded((message) => {
      const { command, args, database, serverAddress, serverPort } = message
      const server = { address: serverAddress, port: serverPort, database, isReady: true }
      const call = startCommand({ name: command, argumentCount: args.length }, server)
      if (call) calls.set(message, call)
    }),
    error: guarded((message) => calls.get(message)?.failed(message.error)),
    asyncEnd: guarded((message) => calls.get(message)?.answered()),
    end() {},
    asyncStart() {},
  }
  channel.subscribe(handlers)
  return () => {
    channel.unsubscribe(handlers)
  }
}
