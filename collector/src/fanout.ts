import type { Outcome, Rejected } from '../../src/wire/outcome.ts'
import type { Batch, Sink } from './batch.ts'

/**
 * Gives each batch to every sink at once and waits for all of them.
 *
 * One sink that asks to try again makes the sender send the whole batch again, to all of them: sinks are idempotent.
 * Otherwise the batch is done; what some sink can never store is reported with the largest count and every sink's reason.
 */
export function fanout(sinks: Readonly<Record<string, Sink>>): Sink {
  const names = Object.keys(sinks)
  return async function fanningOut(batch, signal) {
    const count = batch.records.length
    const outcomes = await Promise.all(names.map((name) => attempt(sinks[name]!, batch, signal)))
    const named = outcomes.map((outcome, i): Named => ({ name: names[i]!, outcome }))
    return retryOf(named) ?? dropOf(named) ?? okOf(named, count)
  }
}

type Named = { readonly name: string; readonly outcome: Outcome }
type Retry = Extract<Outcome, { kind: 'retry' }>
type Drop = Extract<Outcome, { kind: 'drop' }>

/** Sinks never reject; one that does has a bug, and the batch must not be lost by it. */
async function attempt(sink: Sink, batch: Batch, signal: AbortSignal): Promise<Outcome> {
  try {
    return await sink(batch, signal)
  } catch (error) {
    return { kind: 'retry', error: error instanceof Error ? error : new Error(String(error)) }
  }
}

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
  if (rejections.length === 0) return { kind: 'ok' }
  const count = Math.max(...rejections.map((rejection) => rejection.count))
  return { kind: 'ok', rejected: { count, message: rejections.map((rejection) => rejection.message).join('; ') } }
}

function joinErrors(failures: readonly { readonly name: string; readonly outcome: Retry | Drop }[]): Error {
  const message = failures.map(({ name, outcome }) => `${name}: ${outcome.error.message}`).join('; ')
  return new Error(message, { cause: failures[0]?.outcome.error })
}
