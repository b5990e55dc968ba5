import type { Outcome, Send } from '../wire/outcome.ts'
import type { Chunk } from '../wire/signal.ts'
import { splitChunk } from '../wire/split.ts'

/**
 * Requests spent on cutting a chunk of which nothing has been accepted yet. After 64 of them every part of a thirty-second has been refused:
 * that is no poison record but a destination that refuses everything, and finding out a thousand times would hurt both sides.
 */
const FRUITLESS_REQUESTS_MAX = 64

/** What ends a part of a chunk; `retry` only when the signal aborted. */
export type Settle = (part: Chunk, outcome: Outcome) => void

/**
 * Sends a chunk and, when the collector calls it unreadable (400) or too large (413), cuts it in halves until the guilty records are alone.
 * Each part is settled once; the parts hold each item once. Never rejects.
 */
export async function deliver(chunk: Chunk, send: Send<Chunk>, settle: Settle, signal: AbortSignal): Promise<void> {
  const parts = [chunk]
  let requests = 0
  let accepted = 0
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    const outcome = await attempt(part, send, signal)
    requests++
    if (outcome.kind === 'ok') accepted++
    const hopeless = accepted === 0 && requests + parts.length + 2 > FRUITLESS_REQUESTS_MAX
    const halves = isCuttable(outcome) && !hopeless ? cut(part) : undefined
    if (halves) parts.push(...halves)
    else settle(part, outcome)
  }
}

/** Undefined for a single item. What cuts is loaded late in the bundle, which may fail: then it costs the chunk. */
function cut(part: Chunk): readonly Chunk[] | undefined {
  try {
    return splitChunk(part)
  } catch {
    return undefined
  }
}

function isCuttable(outcome: Outcome): boolean {
  return outcome.kind === 'drop' && (outcome.reason === 'poison' || outcome.reason === 'too_large')
}

async function attempt(part: Chunk, send: Send<Chunk>, signal: AbortSignal): Promise<Outcome> {
  try {
    return await send(part, signal)
  } catch (cause) {
    // A `Send` never rejects; if one does, that is a bug of ours, and it must cost this chunk only.
    return { kind: 'drop', reason: 'undelivered', error: new Error('the delivery failed by a bug of its own', { cause }) }
  }
}
