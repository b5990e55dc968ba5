import type { IncomingMessage } from 'node:http'
import type { Transform } from 'node:stream'
import { constants, createGunzip, createZstdDecompress } from 'node:zlib'
import type { Refused } from './answer.ts'
import type { ReceiveLimits } from './limits.ts'

/** A whole body, decompressed. What it takes from the budget stays taken until `release` is called. */
export type Body = { readonly kind: 'body'; readonly bytes: Uint8Array; readonly release: () => void }

/** Bytes that all requests in hand share. */
export type Budget = { readonly take: (bytes: number) => boolean; readonly give: (bytes: number) => void }

const INFLATERS: { readonly [encoding: string]: () => Transform | undefined } = {
  identity: () => undefined,
  gzip: () => createGunzip({ chunkSize: INFLATE_CHUNK_BYTES }),
  zstd: () => createZstdDecompress({ chunkSize: INFLATE_CHUNK_BYTES, params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX } }),
}

/** Each chunk is a trip to the thread pool; 16 KiB, the default, would be 64 trips a MiB. */
const INFLATE_CHUNK_BYTES = 128 * 1_024

/** 32 MiB, enough for one frame as large as the largest body; the default would let a few bytes of header claim 128 MiB. */
const ZSTD_WINDOW_LOG_MAX = 25

/** What a request in hand takes beside its body, with a margin: 3 KiB of heap, 9 KiB resident [measured]. Counted, as many small requests take more than their bodies. */
const REQUEST_BYTES = 8 * 1_024

/** Wait before trying again when too much is in hand: a batch is stored in well under a second. */
const OVERLOADED_AFTER_MS = 1_000

export function createBudget(bytesMax: number): Budget {
  let taken = 0
  return {
    take: (bytes) => {
      if (taken + bytes > bytesMax) return false
      taken += bytes
      return true
    },
    give: (bytes) => {
      taken -= bytes
    },
  }
}

/**
 * Reads a body to its end, decompressing as it comes, and stops at the first limit it breaks: size on the wire, size after
 * decompression (so a bomb never unfolds), bytes in flight, time. Never rejects.
 */
export function readBody(request: IncomingMessage, limits: ReceiveLimits, budget: Budget): Promise<Body | Refused> {
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase() || 'identity'
  const createInflater = Object.hasOwn(INFLATERS, encoding) ? INFLATERS[encoding] : undefined
  if (createInflater === undefined) return Promise.resolve(unsupported(encoding))
  const declared = Number(request.headers['content-length'] ?? 0)
  if (declared > limits.bodyBytesMax) return Promise.resolve(tooLarge(limits))
  if (!budget.take(REQUEST_BYTES)) return Promise.resolve(overloaded(limits))
  return collect(request, createInflater(), { encoding, limits, budget })
}

type Collecting = { readonly encoding: string; readonly limits: ReceiveLimits; readonly budget: Budget }

function collect(
  request: IncomingMessage,
  inflater: Transform | undefined,
  { encoding, limits, budget }: Collecting,
): Promise<Body | Refused> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let bytes = 0
    let wireBytes = 0
    let done = false
    const timer = setTimeout(() => finish(tooSlow(limits)), limits.bodyMs)

    function release(): void {
      budget.give(REQUEST_BYTES + bytes)
    }

    function finish(result: Body | Refused): void {
      if (done) return
      done = true
      clearTimeout(timer)
      if (inflater !== undefined) request.unpipe(inflater)
      if (result.kind === 'refused') {
        release()
        inflater?.destroy()
      }
      resolve(result)
    }

    function onWire(chunk: Buffer): void {
      wireBytes += chunk.length
      if (wireBytes > limits.bodyBytesMax) finish(tooLarge(limits))
    }

    function onChunk(chunk: Buffer): void {
      if (done) return
      if (bytes + chunk.length > limits.bodyBytesMax) finish(tooLarge(limits))
      else if (!budget.take(chunk.length)) finish(overloaded(limits))
      else {
        bytes += chunk.length
        chunks.push(chunk)
      }
    }

    const source = inflater ?? request
    source.on('data', onChunk)
    source.on('end', () => finish({ kind: 'body', bytes: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks), release }))
    inflater?.on('error', (error) => finish(damaged(encoding, error)))
    request.on('error', () => finish(aborted()))
    request.on('close', () => request.complete || finish(aborted()))
    if (inflater !== undefined) request.on('data', onWire).pipe(inflater)
  })
}

/** Reads on when a request was answered before its body had come, so that the sender gets to read the answer, but not for ever. */
export function drain(request: IncomingMessage, limits: ReceiveLimits): void {
  if (request.complete) return
  let bytes = 0
  const timer = setTimeout(() => request.destroy(), limits.bodyMs)
  timer.unref()
  request.on('close', () => clearTimeout(timer))
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > limits.drainBytesMax) request.destroy()
  })
  request.resume()
}

function unsupported(encoding: string): Refused {
  const message = `Content-Encoding "${encoding.slice(0, 40)}" is not supported. Send gzip, zstd or no compression (OTEL_EXPORTER_OTLP_COMPRESSION).`
  return { kind: 'refused', status: 415, reason: 'unsupported_type', message }
}

function tooLarge({ bodyBytesMax }: ReceiveLimits): Refused {
  const message = `The body is larger than ${bodyBytesMax} bytes, as sent or after decompression. Send smaller batches.`
  return { kind: 'refused', status: 413, reason: 'too_large', message }
}

function overloaded({ inFlightBytesMax }: ReceiveLimits): Refused {
  const message = `More than ${inFlightBytesMax} bytes are being worked on. Try again later.`
  return { kind: 'refused', status: 429, reason: 'overloaded', message, afterMs: OVERLOADED_AFTER_MS }
}

function tooSlow({ bodyMs }: ReceiveLimits): Refused {
  const message = `The body did not arrive within ${bodyMs / 1_000} s. Try again, or send smaller batches.`
  return { kind: 'refused', status: 503, reason: 'too_slow', message, afterMs: OVERLOADED_AFTER_MS }
}

function damaged(encoding: string, error: Error): Refused {
  const message = `The body cannot be decompressed as its Content-Encoding says (${encoding}): ${error.message}.`
  return { kind: 'refused', status: 400, reason: 'undecodable', message }
}

/** Nobody is left to read this answer; it is only counted. */
function aborted(): Refused {
  return { kind: 'refused', status: 400, reason: 'aborted', message: 'The connection ended before the body did.' }
}
