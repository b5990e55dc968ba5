/** Stands where fan-outs and the evaluator of alerts stand, and counts what each sink is given. */
import type { Batch } from '../../../collector/src/batch.ts'
import { createReceiver } from '../../../collector/src/receive/http.ts'
import { createStats } from '../../../collector/src/stats.ts'
import { createTokens } from '../../../collector/src/token.ts'
import type { Outcome } from '../../../src/wire/outcome.ts'
import { FANOUT_TOKEN } from './otelcol.ts'

export type CountingSinks = {
  /** host:port */
  readonly address: string
  readonly postgres: CountingSink
  readonly elasticsearch: CountingSink
  readonly alerts: CountingSink
  stop(): Promise<unknown>
}

export type CountingSink = {
  /** Log records that it has taken, by id: how often. */
  readonly arrivals: ReadonlyMap<string, number>
  /** How many log records each request brought that it has taken. */
  readonly requests: readonly number[]
  /** Names of the metrics that it has taken. */
  readonly metrics: ReadonlySet<string>
  /** While it is away it answers 503 and takes nothing. */
  setAway(away: boolean): void
}

export type CountingSinksOptions = {
  /** Each of them is heard. */
  readonly tokens?: readonly string[] | undefined
  /** PEM; with it over HTTPS alone. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined
}

/** Takes what a fan-out takes, with its limits. */
export async function startCountingSinks({ tokens = [FANOUT_TOKEN], tls }: CountingSinksOptions = {}): Promise<CountingSinks> {
  const [postgres, elasticsearch, alerts] = [createSink(), createSink(), createSink()]
  const receiver = createReceiver({
    routes: { postgres: postgres.take, elasticsearch: elasticsearch.take, alerts: alerts.take },
    checkSender: createTokens(tokens).check,
    stats: createStats(),
    tls: tls && { ...tls, clientCa: undefined },
    api(request, response) {
      if (request.url !== '/livez') return false
      response.end('ok')
      return true
    },
  })
  const { host, port } = await receiver.listen('127.0.0.1', 0)
  return { address: `${host}:${port}`, postgres, elasticsearch, alerts, stop: () => receiver.stop(2_000) }
}

function createSink(): CountingSink & { take(batch: Batch): Promise<Outcome> } {
  const arrivals = new Map<string, number>()
  const requests: number[] = []
  const metrics = new Set<string>()
  let isAway = false
  return {
    arrivals,
    requests,
    metrics,
    setAway: (away) => {
      isAway = away
    },
    async take(batch) {
      if (isAway) return { kind: 'retry', afterMs: 1_000, error: new Error('away') }
      if (batch.signal === 'logs') {
        requests.push(batch.records.length)
        for (const { uid } of batch.records) arrivals.set(uid, (arrivals.get(uid) ?? 0) + 1)
      }
      if (batch.signal === 'metrics') for (const { name } of batch.records) metrics.add(name)
      return { kind: 'ok' }
    },
  }
}
