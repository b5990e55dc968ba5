/** Stands where the evaluator of alerts stands, and counts what it is given. */
import type { Batch } from '../../../collector/src/batch.ts'
import { createReceiver } from '../../../collector/src/receive/http.ts'
import { createStats } from '../../../collector/src/stats.ts'
import { createTokens } from '../../../collector/src/token.ts'
import { FANOUT_TOKEN } from './otelcol.ts'

export type Evaluator = {
  /** host:port */
  readonly address: string
  /** Ids of the log records that it was given, each once. */
  readonly uids: ReadonlySet<string>
  /** Names of the metrics that it was given. */
  readonly metrics: ReadonlySet<string>
  stop(): Promise<unknown>
}

export type EvaluatorOptions = {
  /** Each of them is heard. */
  readonly tokens?: readonly string[] | undefined
  /** PEM; with it over HTTPS alone. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined
}

export async function startEvaluator({ tokens = [FANOUT_TOKEN], tls }: EvaluatorOptions = {}): Promise<Evaluator> {
  const uids = new Set<string>()
  const metrics = new Set<string>()
  async function alerts(batch: Batch) {
    if (batch.signal === 'logs') for (const { uid } of batch.records) uids.add(uid)
    if (batch.signal === 'metrics') for (const { name } of batch.records) metrics.add(name)
    return { kind: 'ok' } as const
  }
  const receiver = createReceiver({
    routes: { alerts },
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
  return { address: `${host}:${port}`, uids, metrics, stop: () => receiver.stop(2_000) }
}
