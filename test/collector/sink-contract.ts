/** What every sink of the collector promises, in one table: ok, retry, drop, mixed. Each ends with: nothing lost, nothing doubled. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LogRecord, Logs, Resource, Sink } from '../../collector/src/batch.ts'
import { log, logs, sender } from './postgres/records.ts'

/** A sink, and what it writes to. */
export type Subject = {
  readonly sink: Sink
  /** Of these uids those that are stored, as often as they are. */
  stored(uids: ReadonlySet<string>): Promise<readonly string[]>
  /** Of these uids those that are kept as dead letters, as often as they are. */
  deadLetters(uids: ReadonlySet<string>): Promise<readonly string[]>
  /** A record that this store can never take. */
  poison(source: Resource): LogRecord
  /** Makes the store refuse every write for now; gives what mends it. */
  breakStore(): Promise<() => Promise<void>>
  close(): Promise<void>
}

type Case = {
  readonly name: string
  readonly good: number
  readonly poison: number
  /** How often the batch is sent while the store is broken, and how often after it was mended. */
  readonly sentBroken: number
  readonly sentMended: number
}

const CASES: readonly Case[] = [
  { name: 'ok: a batch is stored', good: 50, poison: 0, sentBroken: 0, sentMended: 1 },
  { name: 'ok, sent again: it is stored once', good: 50, poison: 0, sentBroken: 0, sentMended: 3 },
  { name: 'retry: what a broken store did not take is stored when it is mended', good: 50, poison: 0, sentBroken: 2, sentMended: 1 },
  { name: 'drop: what can never be stored is kept as dead letters, each once', good: 0, poison: 3, sentBroken: 0, sentMended: 2 },
  { name: 'mixed: of a batch with both each record goes its way', good: 50, poison: 3, sentBroken: 0, sentMended: 2 },
  { name: 'mixed, after a retry', good: 50, poison: 3, sentBroken: 2, sentMended: 2 },
]

/** A batch of which a sink may let the records go; asked for again they are others that say the same. */
function letGo(records: readonly LogRecord[]): Logs {
  let held: readonly LogRecord[] | undefined = records
  return {
    signal: 'logs',
    get records() {
      held ??= structuredClone(records)
      return held
    },
    release() {
      held = undefined
    },
  }
}

/** Runs the contract on the sink that `open` gives; it is closed afterwards. */
export function sinkContract(name: string, open: () => Promise<Subject>): void {
  describe(`the sink of ${name}`, () => {
    let subject: Subject
    beforeAll(async () => {
      subject = await open()
      // Whatever is made with the first record, a day or an index, is there.
      expect(await subject.sink(logs([log(sender())]), new AbortController().signal)).toEqual({ kind: 'ok' })
    })
    afterAll(async () => {
      await subject.close()
    })

    test.each(CASES)('$name', async ({ good, poison, sentBroken, sentMended }) => {
      const source = sender()
      const goodRecords = Array.from({ length: good }, () => log(source))
      const badRecords = Array.from({ length: poison }, () => subject.poison(source))
      const batch = letGo(shuffled([...goodRecords, ...badRecords]))
      const uids = new Set(batch.records.map(({ uid }) => uid))
      const { signal } = new AbortController()

      if (sentBroken > 0) {
        const mend = await subject.breakStore()
        for (let sent = 0; sent < sentBroken; sent++)
          expect(await subject.sink(batch, signal)).toMatchObject({ kind: 'retry', afterMs: expect.any(Number), error: expect.any(Error) })
        expect(await subject.stored(uids)).toEqual([])
        await mend()
      }
      for (let sent = 0; sent < sentMended; sent++)
        expect(await subject.sink(batch, signal)).toEqual(
          poison === 0 ? { kind: 'ok' } : { kind: 'ok', rejected: { count: poison, message: expect.stringMatching(/dead.letters/) } },
        )
      expect((await subject.stored(uids)).toSorted()).toEqual(goodRecords.map(({ uid }) => uid).toSorted())
      expect((await subject.deadLetters(uids)).toSorted()).toEqual(badRecords.map(({ uid }) => uid).toSorted())
    })

    test('what is asked to stop does not hang', async () => {
      const outcome = await subject.sink(logs([log(sender())]), AbortSignal.abort(new Error('stopping')))
      expect(outcome.kind).toBe('retry')
    })
  })
}

/** By the uid, which is random. */
function shuffled(records: readonly LogRecord[]): readonly LogRecord[] {
  return records.toSorted((a, b) => (a.uid < b.uid ? -1 : 1))
}
