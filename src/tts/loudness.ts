import { type ByteSource, join } from './audio-source.ts'
import { BLOCK_VALUES, type Block, headBlocks, isTooLong, spreadBlocks, tailBlocks } from './loudness-plan.ts'
import { ENCODINGS, type PcmLayout, type SampleEncoding } from './pcm.ts'

/** What the samples of some speech say. How right it is where not all of them were looked at: see `spreadBlocks`. */
export type SoundFacts = {
  /** Nothing in it can be heard: every sample is below -50 dBFS. */
  readonly isSilent: boolean
  /** Seconds before the first sample that can be heard; all of it when it is silent. */
  readonly leadingSilenceS: number
  /** Seconds behind the last one; all of it when it is silent. */
  readonly trailingSilenceS: number
  /** Greatest sample, in dB below full scale (0 is the greatest there is). Left out when all samples are zero. */
  readonly peakDbfs?: number
  /** Root of the mean square of all samples in the same unit; a sine at full scale has -3.01. Left out when all samples are zero. */
  readonly rmsDbfs?: number
  /** Share of samples at full scale, from 0 to 1. Speech that is not clipped has next to none. */
  readonly clippedShare: number
  /** Some samples were not looked at. */
  readonly isSampled: boolean
}

/** Samples inside a piece of audio. */
export type SampleRun = { readonly source: ByteSource; readonly offset: number; readonly bytes: number; readonly layout: PcmLayout }

/** Listens to audio piece by piece; keeps numbers, never the audio. */
export type LoudnessMeter = {
  /** Takes a bounded time, however long the piece is. Passes over encodings that are not read. */
  add(run: SampleRun): void
  /** Position of the first sample that can be heard; undefined while there was none. */
  firstAudibleS(): number | undefined
  /** Undefined before the first sample. */
  facts(): SoundFacts | undefined
}

/** Speech has about -20 dBFS; 30 dB below it is lost in the noise of a quiet room. */
const AUDIBLE = 10 ** (-50 / 20)
/** The least step of 8 bits is louder than that: noise of one step is silence there. */
const AUDIBLE_8_BIT = 1.5 / 128
const NOTHING = new Uint8Array(0)

/**
 * Looking at the whole ends after this time even where the machine is slow or the code not compiled yet, as at the first call of a
 * process. The search for both ends comes on top: 1 ms at the first call, some microseconds later.
 */
const LISTEN_MS_MAX = 1.5
/** So many are looked at in any case: 4 places or 32 short ones, so that speech with its pauses is not taken for silence. */
const VALUES_MIN = 4_096

type Total = { count: number; squares: number; clipped: number; peakSquare: number }
const nothing = (): Total => ({ count: 0, squares: 0, clipped: 0, peakSquare: 0 })

/** Creates a meter for one stream of audio. Never throws. */
export function createLoudnessMeter(now: () => number = performance.now.bind(performance)): LoudnessMeter {
  const values = new Float32Array(BLOCK_VALUES + 1)
  const total = nothing()
  /** The first bytes of a sample whose others come with the next piece. */
  let rest: Uint8Array = NOTHING
  let lengthS = 0
  let firstS: number | undefined
  let lastS = 0
  let isSampled = false

  /** @returns a function that says whether a block can be heard, and adds it to `sum` where there is one. */
  function listenTo(source: ByteSource, encoding: SampleEncoding, { channels, sampleRateHz }: PcmLayout) {
    const { bytes, scale, greatest, decode } = ENCODINGS[encoding]
    const audible = scale * (encoding === 'u8' ? AUDIBLE_8_BIT : AUDIBLE)
    const secondsAt = (index: number) => lengthS + Math.floor(index / channels) / sampleRateHz
    return function listen({ start, count }: Block, sum?: Total): boolean {
      const data = source.read(start * bytes, count * bytes)
      // Damaged base64 decodes to less than its length promises.
      const read = Math.floor(data.byteLength / bytes)
      decode(data, read, values)
      const { squares, peakSquare } = sumSquares(values, read)
      total.peakSquare = Math.max(total.peakSquare, peakSquare / scale ** 2)
      if (sum) {
        sum.count += read
        sum.squares += squares / scale ** 2
        if (peakSquare >= greatest ** 2) sum.clipped += countFrom(greatest, values, read)
      }
      if (peakSquare < audible ** 2) return false
      firstS = Math.min(firstS ?? Number.POSITIVE_INFINITY, secondsAt(start + firstFrom(audible, values, read)))
      lastS = Math.max(lastS, secondsAt(start + lastFrom(audible, values, read) + channels))
      return true
    }
  }

  function addSamples(source: ByteSource, encoding: SampleEncoding, layout: PcmLayout): void {
    const { bytes } = ENCODINGS[encoding]
    const count = Math.floor(source.length / bytes)
    const listen = listenTo(source, encoding, layout)
    const startMs = now()
    const wasSilent = firstS === undefined
    const sum = nothing()
    const isWhole = spreadBlocks(count).every((block) => {
      listen(block, sum)
      return sum.count < VALUES_MIN || now() - startMs < LISTEN_MS_MAX
    })
    addSum(total, sum, count)
    if (!isWhole || isTooLong(count)) {
      if (wasSilent) headBlocks(count).some((block) => listen(block))
      tailBlocks(count).some((block) => listen(block))
      isSampled = true
    }
    lengthS += count / layout.channels / layout.sampleRateHz
    rest = count * bytes === source.length ? NOTHING : Uint8Array.from(source.read(count * bytes, bytes))
  }

  return {
    add({ source, offset, bytes, layout }) {
      if (layout.encoding === undefined || bytes <= 0) return
      const samples = { length: bytes, read: (at: number, length: number) => source.read(offset + at, Math.min(length, bytes - at)) }
      addSamples(rest.length > 0 ? join(rest, samples) : samples, layout.encoding, layout)
    },
    firstAudibleS: () => firstS,
    facts() {
      if (total.count === 0) return undefined
      return {
        isSilent: firstS === undefined,
        leadingSilenceS: round(firstS ?? lengthS),
        trailingSilenceS: round(Math.max(0, lengthS - lastS)),
        ...levels(total),
        clippedShare: total.clipped / total.count,
        isSampled,
      }
    },
  }
}

/** What was looked at stands for all `count` values of its piece: one of which less was seen counts no less. */
function addSum(total: Total, sum: Total, count: number): void {
  if (sum.count === 0) return
  const share = count / sum.count
  total.count += count
  total.squares += sum.squares * share
  total.clipped += sum.clipped * share
}

function levels({ peakSquare, squares, count }: Total): Pick<SoundFacts, 'peakDbfs' | 'rmsDbfs'> {
  return peakSquare > 0 ? { peakDbfs: decibels(peakSquare), rmsDbfs: decibels(squares / count) } : {}
}

function sumSquares(values: Float32Array, count: number): { readonly squares: number; readonly peakSquare: number } {
  let even = 0
  let odd = 0
  let peak = 0
  // Two sums side by side: one alone would wait for each addition to end.
  values[count] = 0
  for (let i = 0; i < count; i += 2) {
    const first = values[i]! * values[i]!
    const second = values[i + 1]! * values[i + 1]!
    even += first
    odd += second
    if (first > peak) peak = first
    if (second > peak) peak = second
  }
  return { squares: even + odd, peakSquare: peak }
}

function countFrom(least: number, values: Float32Array, count: number): number {
  let found = 0
  for (let i = 0; i < count; i++) if (Math.abs(values[i]!) >= least) found++
  return found
}

function firstFrom(least: number, values: Float32Array, count: number): number {
  let at = 0
  while (at < count && Math.abs(values[at]!) < least) at++
  return at
}

function lastFrom(least: number, values: Float32Array, count: number): number {
  let at = count - 1
  while (at > 0 && Math.abs(values[at]!) < least) at--
  return at
}

/** Of a mean or greatest square. */
function decibels(square: number): number {
  return Math.round(1_000 * Math.log10(square)) / 100
}

function round(seconds: number): number {
  return Math.round(seconds * 1e6) / 1e6
}
