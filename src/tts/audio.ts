import { type ByteSource, join, toSource } from './audio-source.ts'
import { type AudioFormat, parseAudioType } from './audio-type.ts'
import { createLoudnessMeter, type SoundFacts } from './loudness.ts'
import { isWav, readWavLayout } from './wav.ts'

export type { AudioFormat } from './audio-type.ts'
export type { SoundFacts } from './loudness.ts'

/** What can be said about a piece of audio. What its format does not tell is left out. */
export type AudioFacts = {
  readonly format: AudioFormat
  /** Size as delivered and decoded from base64, headers included. */
  readonly bytes: number
  readonly durationS?: number
  readonly sampleRateHz?: number
  readonly channels?: number
  /** Playing time that the header of a WAV file promises and that has not come. */
  readonly missingS?: number
  /** What there is to hear; only where the meter was told to analyse, and can read the encoding. */
  readonly sound?: SoundFacts
}

/** Measures audio that comes in pieces. */
export type AudioMeter = {
  /** A piece in order of arrival; a string is base64 of its own, as in the parts of a Gemini stream. */
  add(piece: string | Uint8Array): void
  /** Playing time so far; 0 while nobody can say. */
  durationS(): number
  /** Position in the audio of the first sample that can be heard; undefined while there was none, and where nothing is analysed. */
  firstAudibleS(): number | undefined
  /** Everything so far; undefined while nothing came, or when it is no audio. */
  facts(): AudioFacts | undefined
}

export type AudioMeterOptions = {
  /** Decode and listen, too: see {@link SoundFacts}. Off, nothing but a header is decoded. */
  readonly analyse?: boolean | undefined
  /** The clock that bounds the analysis, in ms; {@link performance.now} where it is left out. */
  readonly now?: (() => number) | undefined
}

/** A WAV header longer than this (pictures, cue lists) is given up: bytes are counted, the duration stays unknown. */
const HEADER_BYTES_MAX = 65_536
/** A header that is still not whole after so many pieces is not worth joining again. */
const HEADER_PIECES_MAX = 32
/** What it takes to recognize a WAV file. */
const WAV_MAGIC_BYTES = 12

/**
 * Format, size and playing time of a whole piece of audio; a string is base64. Neither decodes nor copies it, unless it is to be
 * analysed: 60 s of speech cost some microseconds. Undefined when `mimeType` is no audio and the data does not begin as a WAV file.
 * Never throws.
 */
export function describeAudio(data: string | Uint8Array, mimeType: string, options: AudioMeterOptions = {}): AudioFacts | undefined {
  const meter = createAudioMeter(mimeType, options)
  meter.add(data)
  return meter.facts()
}

/** Whether there is anything to play: a header without samples is no audio. */
export function hasSound(facts: AudioFacts | undefined): facts is AudioFacts {
  return facts !== undefined && facts.bytes > 0 && facts.durationS !== 0
}

/** Whether there is something to play and nothing to hear. False where nobody listened. */
export function isSilent(facts: AudioFacts | undefined): boolean {
  return facts?.sound?.isSilent === true
}

/** Measures audio of type `mimeType` piece by piece. Memory stays below one header; never throws. */
export function createAudioMeter(mimeType: string, { analyse = false, now }: AudioMeterOptions = {}): AudioMeter {
  const declared = parseAudioType(mimeType)
  const loudness = analyse ? createLoudnessMeter(now) : undefined
  let format = declared?.format
  let layout = declared?.layout
  let bytes = 0
  let durationS = 0
  let pieces = 0
  /** Bytes of samples that the header still promises; what comes after them is no audio. */
  let bytesLeft = Number.POSITIVE_INFINITY
  /** The beginning, kept while it is too short to tell where its samples are. */
  let head: Uint8Array | undefined

  function addSamples(source: ByteSource, offset: number): void {
    const counted = Math.min(Math.max(0, source.length - offset), bytesLeft)
    bytesLeft -= counted
    if (!layout) return
    durationS += counted / layout.bytesPerSecond
    loudness?.add({ source, offset, bytes: counted, layout })
  }

  function keepHead(source: ByteSource): void {
    const isWorthIt = source.length <= HEADER_BYTES_MAX && pieces <= HEADER_PIECES_MAX
    // A copy: the caller may use its buffer again.
    head = isWorthIt ? Uint8Array.from(source.read(0, source.length)) : undefined
  }

  function readWav(source: ByteSource): void {
    const wav = readWavLayout(source)
    format = 'wav'
    layout = wav
    bytesLeft = wav?.dataBytes ?? 0
    head = undefined
    if (wav) addSamples(source, wav.dataStart)
    else keepHead(source)
  }

  function lengthS(): number {
    if (!layout) return 0
    const undecidedS = head && format !== 'wav' ? head.length / layout.bytesPerSecond : 0
    return roundToMicroseconds(durationS + undecidedS)
  }

  return {
    add(piece) {
      const added = toSource(piece)
      if (!added || added.length === 0) return
      bytes += added.length
      pieces += 1
      const source = head ? join(head, added) : added
      if ((head || mayBeWav(piece)) && isWav(source)) return readWav(source)
      const isUndecided = source.length < WAV_MAGIC_BYTES && source.length === bytes
      if (isUndecided) return keepHead(source)
      head = undefined
      addSamples(source, 0)
    },
    durationS: lengthS,
    firstAudibleS: () => loudness?.firstAudibleS(),
    facts() {
      if (!format || bytes === 0) return undefined
      if (!layout) return { format, bytes }
      const { sampleRateHz, channels, bytesPerSecond } = layout
      const missingS = Number.isFinite(bytesLeft) ? roundToMicroseconds(bytesLeft / bytesPerSecond) : 0
      const sound = loudness?.facts()
      return {
        format,
        bytes,
        durationS: lengthS(),
        sampleRateHz,
        channels,
        ...(missingS > 0 ? { missingS } : {}),
        ...(sound ? { sound } : {}),
      }
    },
  }
}

/** Whether the first letter is an R, in base64 too: looking closer would cost more than all else at a piece of a stream. */
function mayBeWav(piece: string | Uint8Array): boolean {
  return typeof piece === 'string' ? piece.startsWith('U') : piece[0] === 0x52
}

/** Sums of fractions end in noise that no reader wants. */
function roundToMicroseconds(seconds: number): number {
  return Math.round(seconds * 1e6) / 1e6
}
