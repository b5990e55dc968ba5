import type { Config } from '../../config.ts'
import { findProxy } from '../../wire/proxy.ts'
import { SIGNALS, type Signal } from '../../wire/signal.ts'

/** A server that signals are sent to, and the way there. */
export type Endpoint = {
  /** `https://collector:4318`, as it may be shown. */
  readonly origin: string
  readonly url: URL
  readonly proxy: URL | undefined
  readonly tls: Config['signals'][Signal]['tls']
  readonly signals: readonly Signal[]
}

/** The servers that this configuration sends to, each once. Empty when nothing is sent. */
export function findEndpoints(config: Config): readonly Endpoint[] {
  const sending = config.disabled ? [] : SIGNALS.filter((signal) => config.signals[signal].exporters.includes('otlp'))
  const groups = Map.groupBy(sending, (signal) => {
    const { url, tls } = config.signals[signal]
    return JSON.stringify([new URL(url).origin, tls])
  })
  return [...groups.values()].map((signals) => {
    const { url: address, tls } = config.signals[signals[0]!]
    const url = new URL(address)
    return { origin: url.origin, url, proxy: findProxy(url, config.proxy), tls, signals }
  })
}
