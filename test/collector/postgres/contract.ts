/** What the store promises, whichever PostgreSQL is under it. Ends each time with: nothing lost, nothing doubled. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Attributes, Batch, Value } from '../../../collector/src/batch.ts'
import { createPartitions } from '../../../collector/src/postgres/partitions.ts'
import type { Database } from '../../../collector/src/postgres/queryable.ts'
import { LOGS } from '../../../collector/src/postgres/rows.ts'
import { migrate } from '../../../collector/src/postgres/schema.ts'
import { createUpkeep } from '../../../collector/src/postgres/upkeep.ts'
import type { PageEnd } from '../../../collector/src/reader.ts'
import { histogram, log, logs, metrics, NOW_US, point, sender, span, traceId, traces } from './records.ts'
import { openStore, type Store } from './store.ts'

const DAY_US = 86_400_000_000
const ALWAYS = new AbortController().signal
const OK = { kind: 'ok' }
const HOSTILE = [
  `'; DROP TABLE logs; --`,
  `" OR "1"="1`,
  '{"a", NULL, \\"}',
  '\\x00 \\u0000 \\\\',
  'NULL',
  '%_\\%',
  '$1 ? ?? :name',
  'line\r\nbreak\ttab\u2028\u2029\ufeff',
  '日本語 🎙️ \u202e rtl',
  "<script>alert('x')</script>",
  '__proto__',
]

/** Runs the contract on the database that `open` gives; it is closed afterwards. */
export function storeContract(name: string, open: () => Database): void {
  describe(`the store on ${name}`, () => {
    let store: Store
    beforeAll(async () => {
      store = await openStore(open())
    })
    afterAll(async () => {
      await store.database.close()
    })

    test('everything sent twice is stored once, dead letters included', async () => {
      const source = sender()
      const batches = [
        logs([...Array.from({ length: 50 }, () => log(source)), log(source, { severity: 99_999 })]),
        traces(Array.from({ length: 50 }, () => span(source))),
        metrics(Array.from({ length: 50 }, (_, index) => point(source, { attributes: { index } }))),
      ]
      const counts = async () => [
        await store.count('logs', source.instanceId),
        await store.count('spans', source.instanceId),
        await store.count('metric_points', source.instanceId),
        await deadLetters(store, source.instanceId),
      ]
      for (const batch of batches) expect((await store.send(batch)).kind).toBe('ok')
      expect(await counts()).toEqual([50, 50, 50, 1])
      for (const batch of [...batches, ...batches]) expect((await store.send(batch)).kind).toBe('ok')
      expect(await counts()).toEqual([50, 50, 50, 1])
    })

    test('the same record twice in one batch is one row', async () => {
      const source = sender()
      const record = log(source)
      expect(await store.send(logs([record, record]))).toEqual(OK)
      expect(await store.count('logs', source.instanceId)).toBe(1)
    })

    test('poison rows among a hundred are kept as dead letters with the reason, the others are stored', async () => {
      const source = sender()
      const records = Array.from({ length: 100 }, () => log(source))
      records[17] = log(source, { uid: 'not-a-uuid' })
      records[83] = log(source, { severity: 40_000, body: 'too severe' })
      const outcome = await store.send(logs(records))
      expect(outcome).toMatchObject({
        kind: 'ok',
        rejected: { count: 2, message: expect.stringMatching(/dead_letters.*not-a-uuid.*22P02.*22003/) },
      })
      expect(await store.count('logs', source.instanceId)).toBe(98)
      const { rows } = await store.database.query<{ signal: string; code: string; record: string }>(
        'SELECT signal, code, record FROM dead_letters WHERE record LIKE $1 ORDER BY code',
        [`%${source.instanceId}%`],
      )
      expect(rows.map(({ signal, code }) => ({ signal, code }))).toEqual([
        { signal: 'logs', code: '22003' },
        { signal: 'logs', code: '22P02' },
      ])
      expect(JSON.parse(rows[0]!.record)).toMatchObject({ severity: 40_000, body: 'too severe' })
    })

    test('records of a large batch are let go while it waits, and asked for again where one of them is poison', async () => {
      const source = sender()
      const records = [...Array.from({ length: 300 }, () => log(source)), log(source, { severity: 99_999 })]
      const kept = { isReleased: false, releases: 0 }
      const batch: Batch = {
        signal: 'logs',
        get records() {
          return kept.isReleased ? structuredClone(records) : records
        },
        release() {
          kept.isReleased = true
          kept.releases++
        },
      }
      expect(await store.send(batch)).toMatchObject({ kind: 'ok', rejected: { count: 1 } })
      expect(await store.count('logs', source.instanceId)).toBe(300)
      expect(await deadLetters(store, source.instanceId)).toBe(1)
      expect(kept.releases).toBe(store.database.kind === 'postgres' ? 1 : 0)
    })

    test('requests at the same time share statements; a poison row of one hits only itself', async () => {
      const sources = Array.from({ length: 30 }, () => sender())
      const batches = sources.map((source) => logs(Array.from({ length: 60 }, () => log(source))))
      const [clean, poisoned] = [sources[7]!, sources[11]!]
      const good = Array.from({ length: 59 }, () => log(poisoned))
      batches[11] = logs([...good, log(poisoned, { severity: 99_999 })])
      const outcomes = await Promise.all(batches.map((batch) => store.send(batch)))
      expect(outcomes.filter((outcome) => outcome.kind === 'ok' && outcome.rejected === undefined)).toHaveLength(29)
      expect(outcomes[11]).toMatchObject({ kind: 'ok', rejected: { count: 1 } })
      for (const source of sources) expect(await store.count('logs', source.instanceId)).toBe(source === poisoned ? 59 : 60)
      expect([await deadLetters(store, poisoned.instanceId), await deadLetters(store, clean.instanceId)]).toEqual([1, 0])
    })

    test('a batch of thousands comes back whole, hostile text and empty fields included, and a second time changes nothing', async () => {
      const source = sender()
      const records = Array.from({ length: 2_500 }, (_, index) => {
        const text = HOSTILE[index % HOSTILE.length]!
        const attributes: Attributes = index % 2 ? { [text]: text, request_id: text, quoted: `"\\\t${index}\n` } : {}
        return log(source, { body: `${index} ${text}`, attributes, timeUs: NOW_US + index })
      })
      records[1_234] = log(source, { severity: 99_999 })
      for (let sent = 0; sent < 2; sent++) expect(await store.send(logs(records))).toMatchObject({ kind: 'ok', rejected: { count: 1 } })
      expect(await store.count('logs', source.instanceId)).toBe(2_499)
      const rows = await store.reader.logs({ instanceId: source.instanceId, limit: 3_000 })
      const told = rows.map(({ message, request_id, metadata }) => ({ message, request_id, metadata }))
      const expected = records
        .filter(({ severity }) => severity === 9)
        .map(({ body, attributes: { request_id = null, ...metadata } }) => ({ message: body, request_id, metadata }))
      expect(told.toReversed()).toEqual(expected)
    })

    test('spans without ids are kept as dead letters, not taken for one another', async () => {
      const source = sender()
      const nameless = [
        span(source, { traceId: '', name: 'a' }),
        span(source, { spanId: '', name: 'b' }),
        span(source, { spanId: '', name: 'c' }),
      ]
      expect(await store.send(traces([span(source), ...nameless]))).toMatchObject({ kind: 'ok', rejected: { count: 3 } })
      expect([await store.count('spans', source.instanceId), await deadLetters(store, source.instanceId)]).toEqual([1, 3])
    })

    test('a record that tells no time at all is a dead letter, the same one each time it is sent', async () => {
      const source = sender()
      const batch = logs([log(source), log(source, { timeUs: 0, observedUs: 0 })])
      const rejected = { count: 1, message: expect.stringContaining('the record has no time (SQLSTATE 23502)') }
      for (let sent = 0; sent < 2; sent++) expect(await store.send(batch)).toMatchObject({ kind: 'ok', rejected })
      expect([await store.count('logs', source.instanceId), await deadLetters(store, source.instanceId)]).toEqual([1, 1])
    })

    test('a fault that a row meets each time is waited out ten times; then the row is a dead letter and the others are stored', async () => {
      const source = sender()
      await store.database.query(`CREATE FUNCTION curse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN IF NEW.message = 'cursed' THEN RAISE EXCEPTION 'internal fault' USING ERRCODE = 'XX000'; END IF; RETURN NEW; END $$`)
      await store.database.query('CREATE TRIGGER curse BEFORE INSERT ON logs FOR EACH ROW EXECUTE FUNCTION curse()')
      const batch = logs([log(source), log(source, { body: 'cursed' }), log(source)])
      for (let failure = 1; failure < 10; failure++) expect((await store.send(batch)).kind).toBe('retry')
      expect(await store.count('logs', source.instanceId)).toBe(0)
      expect(await store.send(batch)).toMatchObject({ kind: 'ok', rejected: { count: 1, message: expect.stringContaining('XX000') } })
      expect([await store.count('logs', source.instanceId), await deadLetters(store, source.instanceId)]).toEqual([2, 1])
      await store.database.query('DROP FUNCTION curse CASCADE')
    })

    test('text with NUL bytes and half surrogate pairs is stored without them, wherever it stands', async () => {
      const bad = 'a\0b\ud800c'
      const good = 'ab\ufffdc'
      const source = { ...sender(), service: bad, attributes: { [bad]: bad } }
      const attributes = { [bad]: [bad, { [bad]: bad }], source: bad, request_id: bad, user_id: bad }
      expect(await store.send(logs([log(source, { body: bad, attributes, eventName: bad })]))).toEqual(OK)
      const events = [{ timeUs: NOW_US, name: bad, attributes }]
      expect(await store.send(traces([span(source, { name: bad, statusMessage: bad, attributes, events })]))).toEqual(OK)
      expect(await store.send(metrics([point(source, { name: bad, unit: bad, attributes })]))).toEqual(OK)

      const [row] = await store.reader.logs({ instanceId: source.instanceId, limit: 1 })
      expect(row).toMatchObject({ message: good, source: good, request_id: good, user_id: good, event_name: good, service: good })
      expect(row?.metadata).toEqual({ [good]: [good, { [good]: good }] })
    })

    test('hostile text comes back as it was and does nothing', async () => {
      const source = sender()
      for (const text of HOSTILE) {
        const attributes = Object.fromEntries([
          ['text', text],
          [text, text],
          ['request_id', text],
          ['user_id', text],
        ])
        expect(await store.send(logs([log(source, { body: text, attributes })]))).toEqual(OK)
        const found = await store.reader.logs({ instanceId: source.instanceId, requestId: text, userId: text, text, limit: 10 })
        expect(found).toMatchObject([{ message: text, request_id: text, user_id: text, metadata: { text } }])
        expect(await store.reader.traces({ requestId: text, userId: text, instanceId: text, limit: 10 })).toEqual([])
        expect(await store.reader.metricPoints({ names: [text], instanceId: text, limit: 10 })).toEqual([])
      }
      expect(await store.count('logs', source.instanceId)).toBe(HOSTILE.length)
    })

    test('JSON nested ten thousand levels deep is cut off, not refused', async () => {
      const source = sender()
      let deep: Value = 'bottom'
      for (let level = 0; level < 10_000; level++) deep = level % 2 ? [deep] : { deeper: deep }
      expect(await store.send(logs([log(source, { body: deep, attributes: { deep } })]))).toEqual(OK)
      const [row] = await store.reader.logs({ instanceId: source.instanceId, limit: 1 })
      expect(JSON.stringify(row?.metadata)).toContain('[deeper than 64 levels]')
    })

    test('numbers that JSON lacks are kept as text', async () => {
      const source = sender()
      await store.send(logs([log(source, { attributes: { a: Number.NaN, b: Number.POSITIVE_INFINITY, c: 1.5 } })]))
      const [row] = await store.reader.logs({ instanceId: source.instanceId, limit: 1 })
      expect(row?.metadata).toEqual({ a: 'NaN', b: 'Infinity', c: 1.5 })
    })

    test('an id too long for an index stays in the metadata', async () => {
      const source = sender()
      const long = 'x'.repeat(10_000)
      expect(await store.send(logs([log(source, { attributes: { request_id: long, user_id: 42 } })]))).toEqual(OK)
      const [row] = await store.reader.logs({ instanceId: source.instanceId, limit: 1 })
      expect(row).toMatchObject({ request_id: null, user_id: '42', metadata: { request_id: long } })
    })

    test('a record of another century is stored where it is', async () => {
      const source = sender()
      const times = [NOW_US + 7, 86_400_000_000, 9_000_000_000_000_001, 1]
      await store.send(logs(times.map((timeUs) => log(source, { timeUs, observedUs: 0 }))))
      const rows = await store.reader.logs({ instanceId: source.instanceId, limit: 10 })
      expect(rows.map((row) => row.time_us)).toEqual(times.toSorted((a, b) => b - a))
    })

    test.each([
      ['without a time', 0, null],
      ['of 1970', 1_000_000, '1970-01-01T00:00:01.000000Z'],
      ['of next year', NOW_US + 366 * DAY_US, expect.stringMatching(/^20\d\d-.*Z$/)],
      ['a little more than a week old', NOW_US - 8 * DAY_US, expect.stringMatching(/^20\d\d-.*Z$/)],
    ])('a record %s takes the time it was observed at, is marked, and meets itself when it is sent again', async (_, timeUs, original) => {
      const source = sender()
      const record = log(source, { timeUs, observedUs: NOW_US + 7, attributes: { voice: 'Kore' } })
      for (let sent = 0; sent < 2; sent++) expect(await store.send(logs([record]))).toEqual(OK)
      const rows = await store.reader.logs({ instanceId: source.instanceId, limit: 10 })
      expect(rows).toMatchObject([{ time_us: NOW_US + 7, metadata: { voice: 'Kore', 'tts_otel.original_time': original } }])
      expect(await store.count('logs_default', source.instanceId)).toBe(0)
    })

    test('a record that was read some days late keeps its time', async () => {
      const source = sender()
      await store.send(logs([log(source, { timeUs: NOW_US - 6 * DAY_US, observedUs: NOW_US })]))
      const rows = await store.reader.logs({ instanceId: source.instanceId, limit: 10 })
      expect(rows).toMatchObject([{ time_us: NOW_US - 6 * DAY_US, metadata: {} }])
    })

    test('pages hold every log record once, newest first, also when their times are equal', async () => {
      const source = sender()
      const records = Array.from({ length: 237 }, (_, index) => log(source, { timeUs: NOW_US + Math.floor(index / 20) }))
      await store.send(logs(records))
      const rows = await readPages((after) => store.reader.logs({ instanceId: source.instanceId, after, limit: 10 }))
      const read = rows.map((row) => `${row.time_us} ${row.id}`)
      expect(read).toEqual(
        records
          .map((record) => `${record.timeUs} ${record.uid}`)
          .sort()
          .reverse(),
      )
    })

    test('a service is told from another, and metric series are as many as asked for', async () => {
      const source = sender()
      await store.send(logs([log(source)]))
      await store.send(traces([span(source)]))
      await store.send(metrics(Array.from({ length: 5 }, (_, index) => point(source, { attributes: { index } }))))
      const filter = { instanceId: source.instanceId, limit: 10 }
      const names = ['tts.requests']
      const counts = async (service: string) => [
        (await store.reader.logs({ ...filter, service })).length,
        (await store.reader.traces({ ...filter, service })).length,
        (await store.reader.metricPoints({ ...filter, service, names })).length,
      ]
      const [stored] = await store.reader.logs(filter)
      expect(await counts(stored!.service)).toEqual([1, 1, 5])
      expect(await counts('another')).toEqual([0, 0, 0])
      expect(await store.reader.metricPoints({ ...filter, names, limit: 3 })).toHaveLength(3)
    })

    test('since is included, until is not, to the microsecond', async () => {
      const source = sender()
      await store.send(logs([0, 1, 2, 3].map((us) => log(source, { timeUs: NOW_US + us, body: `at ${us}` }))))
      const rows = await store.reader.logs({ instanceId: source.instanceId, sinceUs: NOW_US + 1, untilUs: NOW_US + 3, limit: 10 })
      expect(rows.map((row) => row.message)).toEqual(['at 2', 'at 1'])
    })

    test('traces come newest first with root, length, spans, failure and request id, each once', async () => {
      const source = sender()
      const ids = Array.from({ length: 30 }, () => traceId())
      await store.send(
        traces(
          ids.flatMap((id, index) => {
            const startUs = NOW_US + (index >> 1) * 1_000_000
            const child = { traceId: id, parentSpanId: 'aaaaaaaaaaaaaaaa', startUs: startUs + 1_000, durationNs: 2_000_000 }
            return [
              span(source, { ...child, name: 'tts_request', attributes: { request_id: `request ${index}` } }),
              span(source, { ...child, name: 'gemini_api_call', statusCode: index % 3 === 0 ? 2 : 0 }),
              // The parent of the root is in another service: the trace still has a first span.
              span(source, {
                traceId: id,
                spanId: 'aaaaaaaaaaaaaaaa',
                parentSpanId: 'bbbbbbbbbbbbbbbb',
                name: 'POST /tts',
                startUs,
                durationNs: 10_500_000,
              }),
            ]
          }),
        ),
      )
      const read = await readPages((after) => store.reader.traces({ instanceId: source.instanceId, after, limit: 7 }))
      expect(read.map((trace) => trace.trace_id).toSorted()).toEqual(ids.toSorted())
      expect(read.map((trace) => trace.time_us)).toEqual(ids.map((_, index) => NOW_US + (index >> 1) * 1_000_000).reverse())
      const third = read.find((trace) => trace.trace_id === ids[3])
      expect(third).toMatchObject({ name: 'POST /tts', service: 'tts-api', span_count: 3, error: true, request_id: 'request 3' })
      expect(third?.duration_ms).toBeCloseTo(10.5, 6)

      const failed = await store.reader.traces({ instanceId: source.instanceId, error: true, limit: 100 })
      expect(failed).toHaveLength(10)
      expect(await store.reader.traces({ instanceId: source.instanceId, error: false, limit: 100 })).toHaveLength(20)
      expect(await store.reader.traces({ requestId: 'request 3', instanceId: source.instanceId, limit: 100 })).toMatchObject([
        { trace_id: ids[3] },
      ])
    })

    test('pages of failed traces, or of those of a user, hold each once, newest first, however far apart they are', async () => {
      const source = sender()
      const userId = source.instanceId
      const minutesAgo = [0, 1, 5, 5.5, 90, 600, 601, 2_000, 7_000, 20_000, 40_000]
      // Of each the second span has what is asked for, up to most of a day after the first.
      const made = minutesAgo.map((minutes, index) => {
        const [id, startUs] = [traceId(), NOW_US - minutes * 60_000_000]
        const laterUs = startUs + (index % 3) * 36_000_000_000
        const found = span(source, { traceId: id, startUs: laterUs, statusCode: 2, attributes: { user_id: userId } })
        return { id, spans: [span(source, { traceId: id, startUs }), found] }
      })
      expect(await store.send(traces(made.flatMap(({ spans }) => spans)))).toEqual(OK)
      const newestFirst = made.map(({ id }) => id)
      for (const limit of [1, 2, 3, 20])
        for (const filter of [{ userId }, { userId, error: true }, { error: true, instanceId: source.instanceId }]) {
          const pages = await readPages((after) => store.reader.traces({ ...filter, after, limit }))
          expect(pages.map((trace) => trace.trace_id)).toEqual(newestFirst)
        }
      const since = { sinceUs: NOW_US - 601 * 60_000_000, untilUs: NOW_US }
      const within = await store.reader.traces({ userId, ...since, limit: 20 })
      expect(within.map((trace) => trace.trace_id)).toEqual(newestFirst.slice(1, 7))
    })

    test('the spans of a trace come by start, whole', async () => {
      const source = sender()
      const id = traceId()
      const root = span(source, { traceId: id, kind: 2, attributes: { nested: { list: [1, 'a', true, null] } } })
      const event = { timeUs: NOW_US + 5, name: 'Request queued', attributes: { position: 3 } }
      const child = span(source, {
        traceId: id,
        parentSpanId: root.spanId,
        startUs: NOW_US + 1,
        statusCode: 2,
        statusMessage: 'quota',
        events: [event],
      })
      await store.send(traces([child, root]))
      expect(await store.reader.spans(id, 10)).toMatchObject([
        { span_id: root.spanId, parent_span_id: null, kind: 2, time_us: NOW_US, duration_ms: 250, attributes: root.attributes },
        {
          span_id: child.spanId,
          parent_span_id: root.spanId,
          status_code: 2,
          status_message: 'quota',
          events: [{ name: 'Request queued' }],
        },
      ])
      expect(await store.reader.spans(traceId(), 10)).toEqual([])
    })

    test('of a cumulative series only its growth within the time asked for counts', async () => {
      const source = sender()
      const at = (minute: number) => NOW_US + minute * 60_000_000
      const startUs = at(-1)
      for (const [minute, value] of [10, 25, 45].entries())
        await store.send(
          metrics([
            point(source, { startUs, timeUs: at(minute), value }),
            histogram(source, { name: 'tts.rtf', startUs, timeUs: at(minute), counts: [0, value, 0, 0], sum: value / 2 }),
          ]),
        )
      const read = async (sinceUs?: number, untilUs?: number) =>
        (
          await store.reader.metricPoints({
            names: ['tts.requests', 'tts.rtf'],
            instanceId: source.instanceId,
            sinceUs,
            untilUs,
            limit: 100,
          })
        ).map(({ value, count, sum, counts }) => ({ value, count, sum, counts }))
      expect(await read()).toEqual([
        { value: 45, count: null, sum: null, counts: [] },
        { value: null, count: 45, sum: 22.5, counts: [0, 45, 0, 0] },
      ])
      expect(await read(at(1), at(2))).toEqual([
        { value: 15, count: null, sum: null, counts: [] },
        { value: null, count: 15, sum: 7.5, counts: [0, 15, 0, 0] },
      ])
      expect(await read(at(3))).toEqual([])
    })

    test('the order of attributes makes no other series', async () => {
      const source = sender()
      await store.send(metrics([point(source, { attributes: { a: 1, b: 2 } })]))
      await store.send(metrics([point(source, { attributes: { b: 2, a: 1 } }), point(source, { attributes: { a: 2, b: 1 } })]))
      expect(await store.count('metric_points', source.instanceId)).toBe(2)
    })

    test('rows of a day that had no partition move into it when it is made', async () => {
      const source = sender()
      const day = 24 * 3_600_000
      const laterUs = NOW_US + 10 * day * 1000
      await store.send(logs([log(source, { timeUs: laterUs })]))
      expect(await store.count('logs_default', source.instanceId)).toBe(1)

      const later = await openStore(store.database, { now: () => Date.now() + 9 * day, retentionDays: 60 })
      await later.send(logs([log(source, { timeUs: laterUs })]))
      expect(await store.count('logs_default', source.instanceId)).toBe(0)
      expect(await store.count('logs', source.instanceId)).toBe(2)
    })

    test('a partition that somebody dropped is made again by the next round, with the rows that came meanwhile; what stays astray is told', async () => {
      const source = sender()
      const warnings: string[] = []
      const kept = await openStore(store.database, { warn: (message) => warnings.push(message) })
      const record = (timeUs: number) => log(source, { timeUs })
      const twoDaysAgo = NOW_US - 2 * DAY_US
      expect(await kept.send(logs([record(twoDaysAgo)]))).toEqual(OK)
      await kept.database.query(`DROP TABLE logs_${new Date(twoDaysAgo / 1_000).toISOString().slice(0, 10).replaceAll('-', '')}`)
      const batch = logs([record(twoDaysAgo), record(twoDaysAgo), record(NOW_US + 40 * DAY_US)])
      expect(await kept.send(batch)).toEqual(OK)
      expect(await kept.count('logs_default', source.instanceId)).toBe(3)

      await kept.partitions.maintain(ALWAYS)
      expect([await kept.count('logs_default', source.instanceId), await kept.count('logs', source.instanceId)]).toEqual([1, 3])
      expect(kept.partitions.prometheus()).toMatch(
        /default_partition_rows\{table="logs",why="ahead"\} [1-9]\d*\n.*\{table="logs",why="waiting"\} 0\n/,
      )
      expect(warnings.at(-1)).toMatch(/^[1-9]\d* rows stand in logs_default: .*clocks of the senders/)
      expect(await kept.send(batch)).toEqual(OK)
      expect(await kept.count('logs', source.instanceId)).toBe(3)
    })

    test('rows that come older than what is kept are removed by the round, which says and counts how many', async () => {
      const source = sender()
      const warnings: string[] = []
      const kept = await openStore(store.database, { retentionDays: 10, warn: (message) => warnings.push(message) })
      const startUs = NOW_US - 12 * DAY_US
      expect(await kept.send(traces([span(source, { startUs }), span(source, { startUs }), span(source)]))).toEqual(OK)
      expect(await kept.count('spans', source.instanceId)).toBe(3)
      await kept.partitions.maintain(ALWAYS)
      expect(await kept.count('spans', source.instanceId)).toBe(1)
      expect(kept.partitions.prometheus()).toMatch(/expired_rows_total\{table="logs"\} 0\n.*\{table="spans"\} 2\n/)
      expect(warnings).toContainEqual(expect.stringMatching(/^2 rows of spans came older than the 10 days that are kept/))
    })

    test('a day of which many rows wait gets them step by step; what comes and goes meanwhile is not lost, doubled or brought back', async () => {
      const source = sender()
      const dayUs = NOW_US + 15 * DAY_US
      const records = Array.from({ length: 1_000 }, (_, index) =>
        log(source, { timeUs: dayUs + index, attributes: { user_id: `${index % 10}` } }),
      )
      const [late, further] = [log(source, { timeUs: dayUs + 40 }), log(source, { timeUs: NOW_US + 40 * DAY_US })]
      await store.send(logs([...records, further]))
      const ids = [...records, late, further].map(({ uid }) => uid)
      const isThere = (uid: string) => !records.some((record, index) => record.uid === uid && index % 10 === 3)

      const cutOff = new AbortController()
      const day = 24 * 3_600_000
      const options = { now: () => Date.now() + 14 * day, retentionDays: 60, stepRows: 100 }
      const first = createPartitions({ admin: endAfterSteps(store.database, 3, cutOff), tables: [LOGS], warn: () => {}, ...options })
      expect(await first.maintain(cutOff.signal)).toBe(false)
      await store.send(logs([late, records[0]!, records[999]!]))
      await store.database.query(`DELETE FROM logs WHERE instance_id = $1 AND user_id = '3'`, [source.instanceId])
      expect(await uidsOf(store.database, source.instanceId)).toEqual(ids.filter(isThere).toSorted())

      const second = createPartitions({ admin: store.database, tables: [LOGS], warn: () => {}, ...options })
      expect(await second.maintain(ALWAYS)).toBe(true)
      expect(await uidsOf(store.database, source.instanceId)).toEqual(ids.filter(isThere).toSorted())
      expect(await store.count('logs_default', source.instanceId)).toBe(1)
      await store.send(logs([late, records[0]!, log(source, { timeUs: dayUs })]))
      expect(await store.count('logs_default', source.instanceId)).toBe(1)
      expect(await store.count('logs', source.instanceId)).toBe(ids.filter(isThere).length + 1)
      const left = await store.database.query(`SELECT FROM pg_class WHERE relname LIKE '%moving%' AND relkind IN ('r', 'p')`)
      expect(left.rows).toEqual([])
    })

    test('days past retention are dropped, the others stay', async () => {
      const source = sender()
      const dayUs = 24 * 3_600_000_000
      await store.send(logs([0, 5, 20].map((days) => log(source, { timeUs: NOW_US - days * dayUs, body: `${days} days old` }))))
      await openStore(store.database, { retentionDays: 10 })
      const rows = await store.reader.logs({ instanceId: source.instanceId, limit: 10 })
      expect(rows.map((row) => row.message)).toEqual(['0 days old', '5 days old'])
    })

    test('what fails in one table is told and counted, and keeps the round from no other table, nor a restart from taking data', async () => {
      const source = sender()
      const warnings: string[] = []
      const { database } = store
      const ancientUs = NOW_US - 50 * DAY_US
      const long = await openStore(database, { retentionDays: 60 })
      expect(await long.send(traces([span(source, { startUs: ancientUs })]))).toEqual(OK)
      await database.query(`CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'deadlock of the test' USING ERRCODE = '40P01'; END $$`)
      await database.query('CREATE TRIGGER fail BEFORE DELETE ON logs_default FOR EACH STATEMENT EXECUTE FUNCTION fail()')
      try {
        const warn = (message: string) => void warnings.push(message)
        const { partitions } = await openStore(database, { warn })
        expect(await store.count('spans', source.instanceId)).toBe(0)
        expect(warnings).toContainEqual(expect.stringMatching(/failed at logs.*deadlock of the test/))
        expect(partitions.prometheus()).toMatch(/upkeep_failures_total\{part="logs"\} 1\n.*\{part="spans"\} 0\n/)

        const upkeep = createUpkeep({ database, admin: database, reading: database, partitions, warn })
        await upkeep.start()
        expect(await upkeep.readiness()).toEqual({ ready: true })
        await expect.poll(partitions.prometheus).toContain('upkeep_failures_total{part="logs"} 2')
        upkeep.stop()
      } finally {
        await database.query('DROP FUNCTION fail CASCADE')
      }
    })

    test('LOG_DB_LEVEL=WARNING stores warnings and worse', async () => {
      const source = sender()
      const quiet = await openStore(store.database, { logLevel: 'WARNING' })
      const records = [5, 9, 13, 17, 21].map((severity) => log(source, { severity }))
      expect(await quiet.send(logs([...records, log(source, { severity: 0, severityText: 'error' })]))).toEqual({ ...OK, belowLevel: 2 })
      const rows = await store.reader.logs({ instanceId: source.instanceId, limit: 10 })
      expect(rows.map((row) => row.level).toSorted()).toEqual(['CRITICAL', 'ERROR', 'ERROR', 'WARNING'])
    })

    test('migrating again changes nothing; a newer schema is refused', async () => {
      await migrate(store.database)
      await store.database.query('INSERT INTO schema_version (version) VALUES (99)')
      await expect(migrate(store.database)).rejects.toThrow(/schema version 99, this collector knows \d+.*newer collector/)
      await store.database.query('DELETE FROM schema_version WHERE version = 99')
    })

    test('a transaction that fails leaves nothing behind', async () => {
      const failing = store.database.transaction(async (tx) => {
        await tx.query('CREATE TABLE half_done (a integer)')
        throw new Error('changed my mind')
      })
      await expect(failing).rejects.toThrow('changed my mind')
      const { rows } = await store.database.query<{ name: string | null }>("SELECT to_regclass('half_done')::text AS name")
      expect(rows).toEqual([{ name: null }])
    })
  })
}

/** Aborts when so many steps of a move are done. */
function endAfterSteps(database: Database, steps: number, cutOff: AbortController): Database {
  let done = 0
  return {
    ...database,
    async query(sql, ...rest) {
      if (sql.startsWith('WITH step') && ++done === steps) cutOff.abort()
      return await database.query(sql, ...rest)
    },
  }
}

async function uidsOf(database: Database, instanceId: string): Promise<readonly string[]> {
  const { rows } = await database.query<{ id: string }>('SELECT id::text FROM logs WHERE instance_id = $1 ORDER BY id', [instanceId])
  return rows.map(({ id }) => id)
}

/** Follows the pages to the end, or far beyond it when they never end. */
async function readPages<Row extends { time_us: number; id?: string; trace_id: string | null }>(
  read: (after: PageEnd | undefined) => Promise<readonly Row[]>,
): Promise<Row[]> {
  const rows: Row[] = []
  for (let page = 0; page < 100; page++) {
    const last = rows.at(-1)
    const next = await read(last && { timeUs: last.time_us, id: last.id ?? last.trace_id ?? '' })
    if (next.length === 0) break
    rows.push(...next)
  }
  return rows
}

async function deadLetters(store: Store, instanceId: string): Promise<number> {
  const { rows } = await store.database.query<{ count: number }>('SELECT count(*)::integer FROM dead_letters WHERE record LIKE $1', [
    `%${instanceId}%`,
  ])
  return rows[0]!.count
}
