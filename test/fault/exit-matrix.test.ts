/**
 * Every way for a process to end × what the collector does meanwhile: what the app recorded arrives, once, and the app ends as it
 * would have ended without us.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import type { Batch, LogRecord, SpanRecord } from '../../collector/src/batch.ts'
import { hanging, startCountingReceiver, up } from '../support/counting-receiver.ts'
import type { Ended } from '../support/run-node.ts'
import { type Arrivals, countStored, endApp, RECORDS, startAgain, WAYS, type Way, withoutSdkLines } from './support/ending.ts'

const register = fileURLToPath(new URL('../../register.js', import.meta.url))

const STATES = ['up', 'down', 'hanging', 'coming back'] as const
type State = (typeof STATES)[number]

/** Short, because a collector that hangs costs a graceful end all of it. */
const SHUTDOWN_TIMEOUT_MS = 1_000
/** An end must not take longer, whatever the collector does; most of it is for a machine that is busy. */
const END_MS_MAX = SHUTDOWN_TIMEOUT_MS + 4_000

const ALL: Arrivals = { spans: RECORDS, logs: RECORDS }

const endings = new Map<string, Promise<Ended>>()
/** How the app ends without us. */
function bareEnding(way: Way): Promise<Ended> {
  const ending = endings.get(way.name) ?? endApp(way).then(({ ended }) => ended)
  endings.set(way.name, ending)
  return ending
}

const root = mkdtempSync(join(tmpdir(), 'tts-otel-fault-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** An abrupt end may take 300 ms to send the rest, which on a busy machine is not always enough; it waits for the next start then. */
const ATTEMPTS_MAX = 5

/** Runs one cell; where it has to arrive in time, until it does. */
async function runInTime(way: Way, state: State) {
  for (let attempt = 1; ; attempt++) {
    const result = await run(way, state)
    const isInTime = result.atEnd.spans + result.atEnd.logs === 2 * RECORDS && result.duplicates === 0
    if (isInTime || state !== 'up' || way.isSudden || way.isGraceful || attempt === ATTEMPTS_MAX) return result
  }
}

/** Runs one cell once: the app to its end, then its next start with the collector up. */
async function run(way: Way, state: State) {
  // By identity, as a store keeps them.
  const spans = new Map<string, SpanRecord>()
  const logs = new Map<string, LogRecord>()
  const onStored = (batch: Batch) => {
    if (batch.signal === 'traces') for (const span of batch.records) spans.set(span.spanId, span)
    if (batch.signal === 'logs') for (const log of batch.records) logs.set(log.uid, log)
  }
  const receiver = await startCountingReceiver({ behaviour: state === 'hanging' ? hanging : up, onStored })
  if (state === 'down' || state === 'coming back') await receiver.stop()
  const options = {
    flags: ['--import', register],
    env: environment(receiver.url, mkdtempSync(join(root, 'spool-')), state),
    // Time for an attempt that fails, and one that does not.
    endAfterMs: state === 'coming back' ? 1_500 : 0,
    onReady: () => void (state === 'coming back' && setTimeout(receiver.start, 800)),
  }
  const { ended, ms } = await endApp(way, options)
  const atEnd = { ...countStored(receiver), metrics: [...receiver.metrics.stored.values()] }
  receiver.behave(up)
  await receiver.start()
  const next = await startAgain(options)
  await receiver.stop()
  const duplicates = receiver.spans.duplicates() + receiver.logs.duplicates()
  return {
    ended,
    ms,
    atEnd,
    next,
    atNext: countStored(receiver),
    spans: [...spans.values()],
    logs: [...logs.values()],
    duplicates,
    unreadable: receiver.unreadable,
  }
}

function environment(url: string, spool: string, state: State): Record<string, string> {
  const soon = { OTEL_BSP_SCHEDULE_DELAY: '100', OTEL_BLRP_SCHEDULE_DELAY: '100' }
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    TTS_OTEL_SPOOL_DIR: spool,
    TTS_OTEL_SHUTDOWN_TIMEOUT_MS: String(SHUTDOWN_TIMEOUT_MS),
    OPEN_SPAN: '1',
    ...(state === 'coming back' ? soon : {}),
  }
}

const cells = new Map(WAYS.flatMap((way) => STATES.map((state) => [`${way.name} ${state}`, once(() => runInTime(way, state))] as const)))

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}

const cell = (way: Way, state: State) => cells.get(`${way.name} ${state}`)!()

describe.concurrent.each(STATES)('collector %s', (state) => {
  test.each(WAYS)('$name: every span and every log record arrives', async (way) => {
    const { atEnd, atNext, unreadable } = await cell(way, state)
    if (state === 'up' && !way.isSudden) expect({ spans: atEnd.spans, logs: atEnd.logs }, 'before the process has ended').toEqual(ALL)
    expect(atNext, 'after the next start').toEqual(ALL)
    expect(unreadable).toEqual([])
  })

  test.each(WAYS)('$name: the app ends as it would without us', async (way) => {
    const [{ ended, ms }, bare] = await Promise.all([cell(way, state), bareEnding(way)])
    expect({ ...ended, stderr: withoutSdkLines(ended.stderr) }).toEqual(bare)
    expect(ms, 'ms to the end').toBeLessThan(END_MS_MAX)
  })
})

describe.concurrent('collector up', () => {
  test.each(WAYS.filter(({ isGraceful }) => isGraceful))('$name: the metrics arrive as well', async (way) => {
    expect((await cell(way, 'up')).atEnd.metrics).toContain('app.jobs')
  })

  test.each(WAYS.filter(({ isSudden }) => !isSudden))('$name: a span that is open arrives and says that it was cut short', async (way) => {
    const open = (await cell(way, 'up')).spans.filter(({ name }) => name === 'open')
    expect(open.map(({ attributes }) => attributes['tts.interrupted'])).toEqual([true])
  })

  test.each(WAYS.filter(({ does }) => does === 'throw' || does === 'reject'))(
    '$name: the error arrives as a CRITICAL record',
    async (way) => {
      const { ended, logs } = await cell(way, 'up')
      const critical = logs.filter(({ severity }) => severity >= CRITICAL)
      expect(critical.map(({ severityText }) => severityText)).toEqual(['CRITICAL'])
      expect(critical[0]?.attributes['exception.message']).toMatch(/ by the app$/)
      expect(ended.stderr).toContain(String(critical[0]?.attributes['exception.stacktrace']).split('\n')[1])
    },
  )
})

/** The severity number of OpenTelemetry's FATAL. */
const CRITICAL = 21

// A store takes each record once, so a second delivery costs only the network; it has to be the exception all the same.
test('hardly anything is sent twice', async () => {
  const results = await Promise.all([...cells.values()].map((result) => result()))
  const duplicates = results.reduce((sum, result) => sum + result.duplicates, 0)
  const delivered = results.reduce((sum, { spans, logs }) => sum + spans.length + logs.length, 0)
  expect(duplicates / delivered).toBeLessThan(0.02)
})
