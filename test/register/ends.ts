/** The ways to end of `test/fixtures/register/ends.mjs`, and what has to be there afterwards. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { attribute, type OtlpItem, type OtlpReceiver } from '../support/otlp-receiver.ts'
import type { Ended } from '../support/run-node.ts'
import { runApp } from './app.ts'

export type Way = {
  readonly way: string
  /** Threads and processes that record besides the main one. */
  readonly others?: number
  /** Log records on top of the one that each of them makes. */
  readonly records?: readonly string[]
}

export const WAYS: readonly Way[] = [
  { way: 'natural' },
  { way: 'exit' },
  { way: 'many exit listeners' },
  { way: 'exit listener throws', records: ['Uncaught Error: in the end'] },
  { way: 'error', records: ['Uncaught TypeError: broken'] },
  { way: 'thrown text', records: ['Uncaught string: no error at all'] },
  { way: 'rejection', records: ['Uncaught TypeError: broken'] },
  { way: 'caught by a listener', records: ['Uncaught Error: broken'] },
  { way: 'handled rejection' },
  { way: 'SIGTERM' },
  { way: 'SIGINT' },
  { way: 'own handler exits' },
  { way: 'own handler closes' },
  { way: 'like signal-exit' },
  { way: 'worker, natural', others: 1 },
  { way: 'worker exits', others: 1 },
  { way: 'worker error', others: 1, records: ['Uncaught Error: broken'] },
  { way: 'cluster', others: 1 },
]

/** One host on which apps start and end: a spool directory of their own. */
export type Host = {
  /** Runs `ends.mjs`. */
  readonly end: (way: string, endpoint: string) => Promise<Ended>
  /** Runs an app that records nothing itself, which delivers what it finds. */
  readonly startAgain: (endpoint: string) => Promise<void>
  readonly spoolDir: string
  readonly remove: () => void
}

export function createHost(): Host {
  const spoolDir = mkdtempSync(join(tmpdir(), 'tts-otel-ends-'))
  const env = { TTS_OTEL_SPOOL_DIR: spoolDir }
  return {
    end: (way, endpoint) => runApp('ends.mjs', { endpoint, args: [way], env }),
    async startAgain(endpoint) {
      const ended = await runApp('hello.mjs', { endpoint, env })
      expect(ended).toEqual({ code: 0, signal: null, stdout: 'hello\n', stderr: '' })
      expect(readdirSync(spoolDir)).toEqual([])
    },
    spoolDir,
    remove: () => rmSync(spoolDir, { recursive: true }),
  }
}

/** Each item is there, and once. */
export function expectAll(receiver: OtlpReceiver, { others = 0, records = [] }: Way): void {
  const spans = firstOfEach(receiver.spans, ({ spanId }) => spanId)
  const logs = firstOfEach(receiver.logs, (record) => attribute(record, 'log.record.uid'))
  const job = Array.from({ length: others + 1 }, () => 'job')
  const open = job.map(() => 'open')
  expect(namesOf(spans)).toEqual([...job, ...open])
  expect(namesOf(spans.filter((span) => attribute(span, 'tts.interrupted') === true))).toEqual(open)
  expect(logs.map(({ body }) => body?.stringValue).sort()).toEqual([...records, ...job])
}

function namesOf(spans: readonly OtlpItem[]): readonly string[] {
  return spans.map(({ name = '' }) => name).sort()
}

/** Without what we say ourselves, the process's id in Node's warnings, and the place in Node that calls one listener or several. */
export function shown({ stderr, ...ended }: Ended): Ended {
  const told = stderr.replace(/^tts-otel: .*\n/gm, '')
  return { ...ended, stderr: told.replace(/\(node:\d+\)/g, '(node:pid)').replace(/\(node:events:[\d:]+\)/g, '(node:events)') }
}

/** As a store keeps them: an acknowledgement that came after the 300 ms of the last breath means that the next start sends again, under the same ids. */
function firstOfEach(items: readonly OtlpItem[], idOf: (item: OtlpItem) => unknown): readonly OtlpItem[] {
  return [...new Map(items.toReversed().map((item) => [idOf(item), item])).values()].reverse()
}
