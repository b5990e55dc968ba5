import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ApiRead, RecordRead } from '../audit.ts'
import { timestamp } from '../time.ts'
import { arrayLiteral } from './array-literal.ts'
import type { Queryable } from './queryable.ts'
import { verdict } from './sqlstate.ts'

export type Audit = {
  readonly record: RecordRead
  /** Since the start. */
  readonly counts: () => AuditCounts
  /** In the Prometheus text format 0.0.4. */
  readonly prometheus: () => string
  /** Writes what is still in hand; bounded in time by the database's own limits. */
  stop(): Promise<void>
}

export type AuditCounts = { readonly noted: number; readonly dropped: number }

export type AuditOptions = {
  /** May write, other than the connections that reads take. */
  readonly database: Queryable
  /** Gets what a person should know; must not throw. */
  readonly warn: (message: string) => void
}

/** Why a read is dropped; each is told once. */
type Matter = 'overflow' | 'poison'

/** Reads in hand while the database takes none; some megabytes. */
const WAITING_MAX = 10_000
/** Of one statement. */
const BATCH_MAX = 1_000
const RETRY_DELAY_MS = 1_000

/**
 * Writes reads into the table `reads`, in the background: an answer never waits for it. What the database does not take
 * is kept and tried again; above 10,000 the oldest are dropped, counted and told, and so is what it can never take.
 */
export function createAudit({ database, warn }: AuditOptions): Audit {
  const stopped = new AbortController()
  let waiting: ApiRead[] = []
  let writing: Promise<void> | undefined
  let noted = 0
  let dropped = 0
  const told = new Set<Matter>()

  async function writeAll(): Promise<void> {
    let rows = BATCH_MAX
    while (waiting.length > 0) {
      const batch = waiting.slice(0, rows)
      try {
        await insert(database, batch)
      } catch (error) {
        if (verdict(error).kind === 'poison') {
          // Halved until what the table can never take is alone.
          if (batch.length > 1) rows = Math.ceil(batch.length / 2)
          else
            dropFirst(
              'poison',
              `The table reads can never take a record of who has read what, which is dropped: ${error instanceof Error ? error.message : error}`,
            )
          continue
        }
        if (stopped.signal.aborted) return
        await sleep(RETRY_DELAY_MS, undefined, { signal: stopped.signal, ref: false }).catch(() => {})
        continue
      }
      waiting = waiting.slice(batch.length)
      noted += batch.length
      rows = BATCH_MAX
    }
  }

  function dropFirst(matter: Matter, message: string): void {
    waiting = waiting.slice(1)
    dropped++
    if (told.has(matter)) return
    told.add(matter)
    warn(message)
  }

  function startWriting(): void {
    writing ??= writeAll().finally(() => {
      writing = undefined
    })
  }

  return {
    record(read) {
      if (waiting.length >= WAITING_MAX) {
        dropFirst(
          'overflow',
          `The table reads takes no records of who has read what; ${WAITING_MAX} wait, and older ones are dropped from now on`,
        )
      }
      waiting.push(read)
      startWriting()
    },
    counts: () => ({ noted, dropped }),
    prometheus: () =>
      [
        '# HELP tts_otel_collector_reads_total Reads through the API, by whether the table reads has taken note of them.',
        '# TYPE tts_otel_collector_reads_total counter',
        `tts_otel_collector_reads_total{outcome="noted"} ${noted}`,
        `tts_otel_collector_reads_total{outcome="dropped"} ${dropped}`,
        '',
      ].join('\n'),
    async stop() {
      stopped.abort()
      await writing
      startWriting()
      await writing
      dropped += waiting.length
      if (waiting.length > 0) warn(`${waiting.length} records of who has read what are lost: the table reads takes none`)
    },
  }
}

async function insert(database: Queryable, reads: readonly ApiRead[]): Promise<void> {
  const column = (cell: (read: ApiRead) => string | number) => arrayLiteral(reads.map(cell))
  await database.query(
    `INSERT INTO reads (id, time, reader, address, path, filter, status, rows, duration_ms)
     SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::integer[], $8::integer[], $9::float8[])`,
    [
      column(() => randomUUID()),
      column(({ timeMs }) => timestamp(timeMs * 1_000)),
      column(({ reader }) => reader),
      column(({ address }) => address),
      column(({ path }) => path),
      column(({ filter }) => JSON.stringify(filter)),
      column(({ status }) => status),
      column(({ rows }) => rows),
      column(({ durationMs }) => durationMs),
    ],
  )
}
