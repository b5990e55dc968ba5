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

export async function startEvaluator(): Promise<Evaluator> {
  const uids = new Set<string>()
  const metrics = new Set<string>()
  async function alerts(batch: Batch) {
    if (batch.signal === 'logs') for (const { uid } of batch.records) uids.add(uid)
    if (batch.signal === 'metrics') for (const { name } of batch.records) metrics.add(name)
    return { kind: 'ok' } as const
  }
  const receiver = createReceiver({
    routes: { alerts },
    checkSender: createTokens([FANOUT_TOKEN]).check,
    stats: createStats(),
    api(request, response) {
      if (request.url !== '/livez') return false
      response.end('ok')
      return true
    },
  })
  const { host, port } = await receiver.listen('127.0.0.1', 0)
  return { address: `${host}:${port}`, uids, metrics, stop: () => receiver.stop(2_000) }
}
