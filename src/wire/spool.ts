import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import type { Chunk } from './signal.ts'
import { HEARTBEAT_MS } from './spool-claim.ts'
import { claimOrphan, createHome, type Home, keepHome, leaveHome, listOrphans } from './spool-home.ts'
import { createJanitor } from './spool-janitor.ts'
import {
  ackEntry,
  adoptSegment,
  createLedger,
  dropSegment,
  type Ledger,
  makeRoom,
  readStats,
  releaseEntry,
  type SpoolStats,
} from './spool-ledger.ts'
import { closeReplay, createReplay, nextWaiting, type Replay, type Waiting } from './spool-replay.ts'
import { createLossReport } from './spool-report.ts'
import { checkRoot } from './spool-root.ts'
import { type Entry, type Segment, scanDirectory, segmentDir } from './spool-segment.ts'
import { createTail, sealTail } from './spool-tail.ts'
import { type Appended, appendChunk, appendChunksSync, createWriter, type Writer } from './spool-writer.ts'

export type SpoolOptions = {
  /** Shared by all processes of this user that may deliver one another's data. Made with mode 0700. */
  readonly dir: string
  /** Of the files of this process, those that it claimed included. Above it the oldest are dropped. */
  readonly bytesMax: number
  /** What is older is dropped. */
  readonly ageMsMax: number
  /** Whatever names the destination. A spool is only delivered by a process with the same. */
  readonly destination: string
  /** Waits until the disk has each write; otherwise a power loss takes what the system had not flushed. */
  readonly fsync: boolean
  /** Wall clock in ms since 1970. */
  readonly now: () => number
  /** Gets one message a minute at most. */
  readonly warn: (message: string) => void
}

/**
 * A durable queue of encoded chunks: the safety net of the SDK, and the queue in front of a slow sink of the collector. Nothing here throws or rejects.
 *
 * ```
 * append ──► writer ──► segment files ──► replay ──► next ──► ack | release
 *                            ▲
 *        claimOrphans ───────┘  directories of processes that have ended
 * ```
 * Each chunk that `append` or `appendSync` stored or `next` gave is held: the caller has it until `ack` or `release`. A crash between
 * sending and the ack's way to the disk sends a chunk twice; the store takes each record once.
 */
export type Spool = {
  /** Why nothing can be stored here, and what to do; then every chunk is dropped and counted. */
  readonly problem: string | undefined
  /** Resolves when the chunk is on disk, or dropped and counted. In the order of the calls. The bytes must not change before. */
  append(chunk: Chunk): Promise<Appended>
  /** For a dying process: puts what `append` has not finished and then `chunks` on disk before it returns, and says of each what became of it. */
  appendSync(chunks: readonly Chunk[]): readonly Appended[]
  /** The oldest chunk that nobody holds; undefined when there is none. */
  next(): Promise<Waiting | undefined>
  /** It was delivered, or given up and counted by the caller. Only the first call for an entry counts. */
  ack(entry: Entry): void
  /** It was not delivered: `next` will give it again. */
  release(entry: Entry): void
  /** Takes over what ended processes left, for `next`. To be called at the start and about once a minute. Returns the number of directories. */
  claimOrphans(): Promise<number>
  stats(): SpoolStats
  /** Finishes what is under way, then as `closeSync`. */
  close(): Promise<void>
  /** Leaves what waits for anyone to claim at once. */
  closeSync(): void
}

type Parts = {
  readonly options: SpoolOptions
  readonly ledger: Ledger
  readonly home: Home
  readonly writer: Writer
  readonly replay: Replay
  readonly reportLoss: (error?: unknown) => void
}

/** A sixteenth of the whole is lost at once when there is no room; above 4 MB nothing is gained by longer files. */
const SEGMENTS = 16
const SEGMENT_BYTES_MAX = 4 << 20

/** Opens the spool in `options.dir`. Never throws: where that cannot be used, the result says so and drops what it gets. */
export function openSpool(options: SpoolOptions): Spool {
  const problem = checkRoot(options.dir)
  const parts = createParts(options)
  const { ledger, writer, replay } = parts
  if (problem !== undefined) writer.closed = new Error(problem)
  const timer = problem === undefined ? setInterval(() => void keep(parts), HEARTBEAT_MS).unref() : undefined
  const closeSync = () => {
    clearInterval(timer)
    leave(parts)
  }
  return {
    problem,
    append: (chunk) => appendChunk(writer, chunk),
    appendSync: (chunks) => appendChunksSync(writer, chunks),
    next: async () => (writer.closed === undefined ? nextWaiting(replay) : undefined),
    ack: (entry) => ackEntry(ledger, entry),
    release: (entry) => releaseEntry(ledger, entry),
    claimOrphans: () => claimAll(parts),
    stats: () => readStats(ledger),
    async close() {
      await writer.draining
      await ledger.janitor.flush()
      closeSync()
    },
    closeSync,
  }
}

function createParts(options: SpoolOptions): Parts {
  const { dir, bytesMax, ageMsMax, fsync, now } = options
  const fingerprint = createHash('sha256').update(options.destination).digest('hex').slice(0, 16)
  const ledger = createLedger(createJanitor())
  const onLost = (lost: string) => {
    for (const segment of segmentsIn(ledger, lost)) dropSegment(ledger, segment, 'taken')
  }
  const home = createHome({ root: resolve(dir), fingerprint, onLost })
  const segmentBytesMax = Math.min(SEGMENT_BYTES_MAX, Math.ceil(bytesMax / SEGMENTS))
  const tail = createTail({ ledger, home, segmentBytesMax, fsync, now })
  const reportLoss = createLossReport(ledger, options)
  const writer = createWriter({ ledger, tail, bytesMax, onLoss: reportLoss })
  return { options, ledger, home, writer, replay: createReplay({ ledger, fingerprint, ageMsMax, now }), reportLoss }
}

/** What is due every few seconds. */
async function keep({ options, ledger, home, writer, reportLoss }: Parts): Promise<void> {
  const bornMsMin = options.now() - options.ageMsMax
  for (const segment of [...ledger.segments]) if (segment.bytes > 0 && segment.lastMs < bornMsMin) dropSegment(ledger, segment, 'expired')
  const { tail, pending } = writer
  // An idle process keeps no file of chunks that were delivered.
  if (pending.length === 0 && tail.current?.segment.waitingBytes === 0) sealTail(tail)
  await keepHome(home, (dir) => segmentsIn(ledger, dir).length === 0)
  reportLoss()
}

async function claimAll({ options, ledger, home, writer, reportLoss }: Parts): Promise<number> {
  let claimed = 0
  if (writer.closed !== undefined) return claimed
  for (const orphan of await listOrphans(home, options.ageMsMax).catch(() => [])) {
    const dir = writer.closed === undefined ? await claimOrphan(home, orphan) : undefined
    if (dir === undefined) continue
    claimed++
    for (const scanned of await scanDirectory(dir, orphan.fingerprint)) {
      adoptSegment(ledger, scanned)
      if (orphan.abandoned) dropSegment(ledger, scanned.segment, 'expired')
    }
    makeRoom(ledger, 0, options.bytesMax)
  }
  reportLoss()
  return claimed
}

function leave({ ledger, home, writer, replay, reportLoss }: Parts): void {
  if (writer.closed !== undefined) return
  appendChunksSync(writer, [])
  writer.closed = new Error('the spool is closed')
  sealTail(writer.tail)
  closeReplay(replay)
  ledger.janitor.flushSync()
  leaveHome(home, (dir) => segmentsIn(ledger, dir).length === 0)
  reportLoss()
}

function segmentsIn(ledger: Ledger, dir: string): readonly Segment[] {
  return [...ledger.segments].filter((segment) => segmentDir(segment) === dir)
}
