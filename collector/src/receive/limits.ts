/** What one sender, and all of them together, may ask of the collector. */
export type ReceiveLimits = {
  /** Largest body, as sent and after decompression. 20 MiB: the official collector's default, which senders cut their batches to. */
  readonly bodyBytesMax: number
  /**
   * Bodies in hand, from their first byte to the answer, over all connections; above it 429. 64 MiB: three of the largest bodies.
   * With their pieces on the way and the rows made of them that is some 300 MiB outside of V8's heap, and a collector that has to refuse
   * for minutes takes 680 MiB in all [measured: bench/overload.ts].
   */
  readonly inFlightBytesMax: number
  /** Longest wait for a whole body. 30 s: 20 MiB at 6 Mbit/s, and the official collector's own timeout for sending. */
  readonly bodyMs: number
  /** Longest wait for a request's headers. 10 s: they fit one packet. */
  readonly headersMs: number
  /** How long an idle connection stays open. 65 s: longer than the usual 60 s of proxies and clients, so that they close first and never write into a closing connection. */
  readonly idleMs: number
  /** Open connections. 1,000: an app keeps one for each signal, so some 300 processes; beyond that there is a collector in front. */
  readonly connectionsMax: number
  /** Of these from one address (IPv6: one network of 64 bits). 500: half, so that no address has the collector to itself; a proxy in front opens fewer. */
  readonly connectionsPerAddressMax: number
  /** Requests on one connection, which then ends with its answer. 10,000: hours of an app, and long-lived senders spread over new collectors. */
  readonly requestsPerConnectionMax: number
  /** How long an answer may wait to be taken. 60 s: answers are small, and who does not read has gone. */
  readonly answerMs: number
  /** Bytes read and thrown away of a body that was refused, so that the sender reads the answer instead of a reset. Then the connection is cut. */
  readonly drainBytesMax: number
}

export const RECEIVE_LIMITS: ReceiveLimits = {
  bodyBytesMax: 20 * 2 ** 20,
  inFlightBytesMax: 64 * 2 ** 20,
  bodyMs: 30_000,
  headersMs: 10_000,
  idleMs: 65_000,
  connectionsMax: 1_000,
  connectionsPerAddressMax: 500,
  requestsPerConnectionMax: 10_000,
  answerMs: 60_000,
  drainBytesMax: 64 * 2 ** 20,
}
