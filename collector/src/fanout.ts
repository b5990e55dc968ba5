import type { Outcome, Rejected } from '../../src/wire/outcome.ts'
import type { Batch, Sink } from './batch.ts'
import { safely } from './safely.ts'

/**
 * Gives each batch to all of the `first` sinks at once, waits for them, then to those `after` them.
 *
 * One sink that asks to try again makes the sender send the whole batch again, to all of them: sinks are idempotent. So
 * a batch that will come again goes to none of those `after`, of which a queue would keep each copy.
 * Otherwise the batch is done; what some sink can never store is reported with the largest count and every sink's reason.
 */
export function fanout(first: Sinks, after: Sinks = {}): Sink {
  return async function fanningOut(batch, signal) {
    const count = batch.records.length
    const named = await giveAll(first, batch, signal)
    const retry = retryOf(named)
    if (retry !== undefined) return retry
    const all = [...named, ...(await giveAll(after, batch, signal))]
    return retryOf(all) ?? dropOf(all) ?? okOf(all, count)
  }
}

type Sinks = Readonly<Record<string, Sink>>

async function giveAll(sinks: Sinks, batch: Batch, signal: AbortSignal): Promise<readonly Named[]> {
  return await Promise.all(
    Object.entries(sinks).map(async ([name, sink]): Promise<Named> => ({ name, outcome: await safely(sink)(batch, signal) })),
  )
}

type Named = { readonly name: string; readonly outcome: Outcome }
type Retry = Extract<Outcome, { kind: 'retry' }>
type Drop = Extract<Outcome, { kind: 'drop' }>

function retryOf(named: readonly Named[]): Retry | undefined {
  const retries = named.flatMap(({ name, outcome }) => (outcome.kind === 'retry' ? [{ name, outcome }] : []))
  if (retries.length === 0) return undefined
  const error = joinErrors(retries)
  const waits = retries.flatMap(({ outcome }) => outcome.afterMs ?? [])
  return waits.length === 0 ? { kind: 'retry', error } : { kind: 'retry', afterMs: Math.max(...waits), error }
}

/** Only a batch that no sink took is dropped as a whole. */
function dropOf(named: readonly Named[]): Drop | undefined {
  const drops = named.flatMap(({ name, outcome }) => (outcome.kind === 'drop' ? [{ name, outcome }] : []))
  const first = drops[0]
  if (first === undefined || drops.length < named.length) return undefined
  return { kind: 'drop', reason: first.outcome.reason, error: joinErrors(drops) }
}

function okOf(named: readonly Named[], records: number): Outcome {
  const rejections = named.flatMap(({ name, outcome }): Rejected[] => {
    if (outcome.kind === 'drop') return [{ count: records, message: `${name}: ${outcome.error.message}` }]
    if (outcome.kind === 'ok' && outcome.rejected !== undefined)
      return [{ ...outcome.rejected, message: `${name}: ${outcome.rejected.message}` }]
    return []
  })
  const below = Math.max(0, ...named.map(({ outcome }) => (outcome.kind === 'ok' ? (outcome.belowLevel ?? 0) : 0)))
  const ok: Outcome = { kind: 'ok', ...(below > 0 && { belowLevel: below }) }
  if (rejections.length === 0) return ok
  const count = Math.max(...rejections.map((rejection) => rejection.count))
  return { ...ok, rejected: { count, message: rejections.map((rejection) => rejection.message).join('; ') } }
}

function joinErrors(failures: readonly { readonly name: string; readonly outcome: Retry | Drop }[]): Error {
  const message = failures.map(({ name, outcome }) => `${name}: ${outcome.error.message}`).join('; ')
  return new Error(message, { cause: failures[0]?.outcome.error })
}
