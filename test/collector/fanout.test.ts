import { expect, test } from 'vitest'
import type { Batch, Sink } from '../../collector/src/batch.ts'
import { fanout } from '../../collector/src/fanout.ts'
import type { Outcome } from '../../src/wire/outcome.ts'

const batch: Batch = {
  signal: 'metrics',
  records: Array(5).fill({}),
}
const { signal } = new AbortController()
const ok: Outcome = { kind: 'ok' }
const rejected = (count: number, message: string): Outcome => ({ kind: 'ok', rejected: { count, message } })
const retry = (message: string, afterMs?: number): Outcome => ({
  kind: 'retry',
  error: new Error(message),
  ...(afterMs !== undefined && { afterMs }),
})
const drop = (message: string): Outcome => ({ kind: 'drop', reason: 'poison', error: new Error(message) })

function fanned(outcomes: Record<string, Outcome>): Promise<Outcome> {
  const sinks = Object.entries(outcomes).map(([name, outcome]): [string, Sink] => [name, async () => outcome])
  return fanout(Object.fromEntries(sinks))(batch, signal)
}

test('all sinks work at the same time, on the same batch', async () => {
  const seen: Batch[] = []
  let waiting = 2
  const both = Promise.withResolvers<void>()
  const sink: Sink = async (each) => {
    seen.push(each)
    if (--waiting === 0) both.resolve()
    await both.promise // would never end one after the other
    return ok
  }
  expect(await fanout({ a: sink, b: sink })(batch, signal)).toEqual(ok)
  expect(seen).toEqual([batch, batch])
})

test('one sink that wants it again makes the sender send again, after the longest wait', async () => {
  expect(await fanned({ postgres: ok, alerts: retry('standing by') })).toEqual(retry('alerts: standing by'))
  expect(await fanned({ postgres: retry('down', 2_000), elasticsearch: retry('busy', 9_000), alerts: drop('bad') })).toEqual(
    retry('postgres: down; elasticsearch: busy', 9_000),
  )
})

test('a sink behind others gets what they are done with, and no copy of what comes again', async () => {
  const queued: Batch[] = []
  const queue: Sink = async (each) => {
    queued.push(each)
    return ok
  }
  let postgres: Outcome = retry('down', 2_000)
  const sink = fanout({ postgres: async () => postgres, alerts: async () => ok }, { elasticsearch: queue })
  for (let sent = 0; sent < 3; sent++) expect(await sink(batch, signal)).toEqual(retry('postgres: down', 2_000))
  expect(queued).toEqual([])
  postgres = rejected(1, 'NUL')
  expect(await sink(batch, signal)).toEqual(rejected(1, 'postgres: NUL'))
  postgres = drop('schema')
  expect(await sink(batch, signal)).toEqual(rejected(5, 'postgres: schema'))
  expect(queued).toEqual([batch, batch])
})

test('what some sink can never store is reported with the largest count and every reason', async () => {
  expect(await fanned({ postgres: rejected(1, 'NUL'), elasticsearch: rejected(3, 'mapping'), alerts: ok })).toEqual(
    rejected(3, 'postgres: NUL; elasticsearch: mapping'),
  )
  expect(await fanned({ postgres: ok, elasticsearch: drop('index gone') })).toEqual(rejected(5, 'elasticsearch: index gone'))
})

test('a batch is dropped only when no sink took it', async () => {
  expect(await fanned({ postgres: drop('a'), elasticsearch: drop('b') })).toEqual(drop('postgres: a; elasticsearch: b'))
})

test('a sink that throws costs nothing but a retry', async () => {
  const sinks = {
    good: async () => ok,
    bad: () => Promise.reject(new TypeError('bug')),
    worse: () => {
      throw new TypeError('worse')
    },
  }
  expect(await fanout(sinks)(batch, signal)).toEqual(retry('bad: bug; worse: worse'))
})
