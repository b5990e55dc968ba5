/** Load for the benchmarks that need exact latencies: autocannon counts in whole milliseconds. */
import { Agent, request } from 'node:http'

export type LoadOptions = { readonly url: string; readonly perSecond: number; readonly seconds: number }

/** As autocannon in the other benchmarks. */
const CONNECTIONS = 10

/**
 * GETs `url` at a fixed rate, whether or not the answers keep up, on keep-alive connections. Calls `onLatency` with the ms of each request;
 * the wait for a free connection counts, so a server that stops for a while pays for all that it keeps waiting.
 */
export async function load({ url, perSecond, seconds }: LoadOptions, onLatency: (ms: number) => void): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const total = perSecond * seconds
  const startMs = performance.now()
  let sent = 0
  let answered = 0

  function get(): void {
    const sentMs = performance.now()
    const onEnd = () => {
      onLatency(performance.now() - sentMs)
      if (++answered === total) resolve()
    }
    request(url, { agent }, (response) => response.on('end', onEnd).resume())
      .on('error', reject)
      .end()
  }

  const timer = setInterval(() => {
    const due = Math.min(total, Math.floor(((performance.now() - startMs) * perSecond) / 1_000))
    for (; sent < due; sent++) get()
    if (sent === total) clearInterval(timer)
  }, 1)

  await promise
  agent.destroy()
}

/** The value below which this share of them lies; `NaN` of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
