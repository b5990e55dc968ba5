import type { Server, Socket } from 'node:net'
import type { RefusalStats } from '../refusal-stats.ts'
import type { ReceiveLimits } from './limits.ts'

/** Refuses connections beyond the limits, over all and from one address, and counts them. */
export function limitConnections(server: Server, limits: ReceiveLimits, refusals: RefusalStats): void {
  const open = new Map<string, number>()
  server.maxConnections = limits.connectionsMax
  server.on('drop', () => refusals.addConnection('too_many'))
  server.on('connection', (socket: Socket) => {
    const group = groupOf(socket.remoteAddress ?? '')
    const count = (open.get(group) ?? 0) + 1
    if (count > limits.connectionsPerAddressMax) {
      refusals.addConnection('too_many_of_address')
      socket.destroy()
      return
    }
    open.set(group, count)
    socket.once('close', () => {
      const left = (open.get(group) ?? 0) - 1
      if (left > 0) open.set(group, left)
      else open.delete(group)
    })
  })
}

/** Counts the requests of each connection: the number of this one, from 1 on. Node's own limit would answer the one after the last with a bare 503. */
export function createRequestCounter(): (socket: Socket) => number {
  const counts = new WeakMap<Socket, number>()
  return function countRequest(socket) {
    const count = (counts.get(socket) ?? 0) + 1
    counts.set(socket, count)
    return count
  }
}

/** An IPv4 address, or the first 64 bits of an IPv6 address: whoever has one has the whole network behind it. */
export function groupOf(address: string): string {
  if (!address.includes(':') || address.includes('.')) return address
  const [head = '', tail] = address.split('::')
  const groups = head.split(':')
  const rest = tail === undefined ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - groups.length - rest.length)).fill('0')
  return [...groups, ...zeros, ...rest].slice(0, 4).join(':')
}
