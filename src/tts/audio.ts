import type { ByteSource } from './wav.ts'
import { isWav, readWavLayout } from './wav.ts'

/** What can be said about a piece of audio without decoding it. What its format does not tell is left out. */
export type AudioFacts = {
  readonly format: AudioFormat
  /** Size as delivered and decoded from base64, headers included. */
  readonly bytes: number
  readonly durationS?: number
  readonly sampleRateHz?: number
  readonly channels?: number
}

/** `other` is audio of a kind we do not measure (MP3, Opus): only its size is known. */
export type AudioFormat = 'wav' | 'pcm' | 'mulaw' | 'alaw' | 'other'

/** Measures audio that comes in pieces. */
export type AudioMeter = {
  /** A piece in order of arrival; a string is base64 of its own, as in the parts of a Gemini stream. */
  add(piece: string | Uint8Array): void
  /** Everything so far; undefined while nothing came, or when it is no audio. */
  facts(): AudioFacts | undefined
}

type Rates = { readonly sampleRateHz: number; readonly channels: number; readonly bytesPerSecond: number }

/** A WAV header longer than this (pictures, cue lists) is given up: bytes are counted, the duration stays unknown. */
const HEADER_BYTES_MAX = 65_536
/** A header that is still not whole after so many pieces is not worth joining again. */
const HEADER_PIECES_MAX = 32
/** What it takes to recognize a WAV file. */
const WAV_MAGIC_BYTES = 12
/** Gemini's speech models answer in 24 kHz; their raw audio always says so, others' may not. */
const PCM_RATE_HZ_DEFAULT = 24_000
/** G.711's own rate. */
const G711_RATE_HZ_DEFAULT = 8_000
const RATE_HZ_MAX = 1_000_000
const CHANNELS_MAX = 256
/** Longer media types are not read; real ones have about 30 characters. */
const MIME_CHARS_MAX = 256

const WAV_TYPES = ['audio/wav', 'audio/x-wav', 'audio/wave', 'audio/vnd.wave']
const RAW_TYPES: Readonly<Record<string, { readonly format: AudioFormat; readonly sampleBytes: number; readonly rateHz: number }>> = {
  'audio/l16': { format: 'pcm', sampleBytes: 2, rateHz: PCM_RATE_HZ_DEFAULT },
  'audio/pcm': { format: 'pcm', sampleBytes: 2, rateHz: PCM_RATE_HZ_DEFAULT },
  'audio/l24': { format: 'pcm', sampleBytes: 3, rateHz: PCM_RATE_HZ_DEFAULT },
  'audio/l8': { format: 'pcm', sampleBytes: 1, rateHz: PCM_RATE_HZ_DEFAULT },
  'audio/basic': { format: 'mulaw', sampleBytes: 1, rateHz: G711_RATE_HZ_DEFAULT },
  'audio/mulaw': { format: 'mulaw', sampleBytes: 1, rateHz: G711_RATE_HZ_DEFAULT },
  'audio/x-mulaw': { format: 'mulaw', sampleBytes: 1, rateHz: G711_RATE_HZ_DEFAULT },
  'audio/pcmu': { format: 'mulaw', sampleBytes: 1, rateHz: G711_RATE_HZ_DEFAULT },
  'audio/alaw': { format: 'alaw', sampleBytes: 1, rateHz: G711_RATE_HZ_DEFAULT },
  'audio/x-alaw': { format: 'alaw', sampleBytes: 1, rateHz: G711_RATE_HZ_DEFAULT },
  'audio/pcma': { format: 'alaw', sampleBytes: 1, rateHz: G711_RATE_HZ_DEFAULT },
}

/**
 * Format, size and playing time of a whole piece of audio; a string is base64. Neither decodes nor copies it: 60 s of speech
 * cost some microseconds. Undefined when `mimeType` is no audio and the data does not begin as a WAV file. Never throws.
 */
export function describeAudio(data: string | Uint8Array, mimeType: string): AudioFacts | undefined {
  const meter = createAudioMeter(mimeType)
  meter.add(data)
  return meter.facts()
}

/** Whether there is anything to hear: a header without samples is no audio. */
export function hasSound(facts: AudioFacts | undefined): facts is AudioFacts {
  return facts !== undefined && facts.bytes > 0 && facts.durationS !== 0
}

/** Measures audio of type `mimeType` piece by piece. Memory stays below one header; never throws. */
export function createAudioMeter(mimeType: string): AudioMeter {
  const declared = parseMimeType(mimeType)
  let format = declared?.format
  let rates = declared?.rates
  let bytes = 0
  let durationS = 0
  let pieces = 0
  /** Samples that the header still promises; what comes after them is no audio. */
  let samplesLeft = Number.POSITIVE_INFINITY
  /** The beginning, kept while it is too short to tell where its samples are. */
  let head: Uint8Array | undefined

  function countSamples(length: number): void {
    const counted = Math.min(length, samplesLeft)
    samplesLeft -= counted
    if (rates) durationS += counted / rates.bytesPerSecond
  }

  function keepHead(source: ByteSource): void {
    const isWorthIt = source.length <= HEADER_BYTES_MAX && pieces <= HEADER_PIECES_MAX
    head = isWorthIt ? source.read(0, source.length) : undefined
  }

  function readWav(source: ByteSource): void {
    const layout = readWavLayout(source)
    format = 'wav'
    rates = layout
    samplesLeft = layout?.dataBytes ?? 0
    head = undefined
    if (layout) countSamples(Math.max(0, source.length - layout.dataStart))
    else keepHead(source)
  }

  return {
    add(piece) {
      const added = toSource(piece)
      if (!added || added.length === 0) return
      bytes += added.length
      pieces += 1
      const source = head ? join(head, added) : added
      if (isWav(source)) return readWav(source)
      const isUndecided = source.length < WAV_MAGIC_BYTES && source.length === bytes
      if (isUndecided) return keepHead(source)
      head = undefined
      countSamples(source.length)
    },
    facts() {
      if (!format || bytes === 0) return undefined
      if (!rates) return { format, bytes }
      const undecidedS = head && format !== 'wav' ? head.length / rates.bytesPerSecond : 0
      return {
        format,
        bytes,
        durationS: roundToMicroseconds(durationS + undecidedS),
        sampleRateHz: rates.sampleRateHz,
        channels: rates.channels,
      }
    },
  }
}

/** Sums of fractions end in noise that no reader wants. */
function roundToMicroseconds(seconds: number): number {
  return Math.round(seconds * 1e6) / 1e6
}

/** `audio/L16;codec=pcm;rate=24000;channels=2`: any case and order of parameters. */
function parseMimeType(mimeType: string): { format: AudioFormat; rates: Rates | undefined } | undefined {
  if (typeof mimeType !== 'string' || mimeType.length > MIME_CHARS_MAX) return undefined
  const [type = '', ...parameters] = mimeType.toLowerCase().split(';')
  const name = type.trim()
  const raw = Object.hasOwn(RAW_TYPES, name) ? RAW_TYPES[name] : undefined
  if (raw) {
    const sampleRateHz = parameter(parameters, 'rate', RATE_HZ_MAX) ?? raw.rateHz
    const channels = parameter(parameters, 'channels', CHANNELS_MAX) ?? 1
    return { format: raw.format, rates: { sampleRateHz, channels, bytesPerSecond: sampleRateHz * channels * raw.sampleBytes } }
  }
  if (WAV_TYPES.includes(name)) return { format: 'wav', rates: undefined }
  return name.startsWith('audio/') ? { format: 'other', rates: undefined } : undefined
}

function parameter(parameters: readonly string[], name: string, max: number): number | undefined {
  for (const text of parameters) {
    const [key = '', value = ''] = text.split('=')
    const number = Number(value.trim())
    if (key.trim() === name && Number.isInteger(number) && number > 0 && number <= max) return number
  }
  return undefined
}

function toSource(piece: unknown): ByteSource | undefined {
  if (typeof piece === 'string') return toBase64Source(piece)
  return piece instanceof Uint8Array ? toBytesSource(piece) : undefined
}

function toBytesSource(bytes: Uint8Array): ByteSource {
  return { length: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) }
}

function join(first: Uint8Array, second: ByteSource): ByteSource {
  return {
    length: first.length + second.length,
    read(offset, length) {
      if (offset >= first.length) return second.read(offset - first.length, length)
      const start = first.subarray(offset, offset + length)
      return start.length === length ? start : Buffer.concat([start, second.read(0, length - start.length)])
    },
  }
}

/** Decodes only what is read. Assumes base64 without line breaks, as JSON APIs send it; breaks make the size 1.3 % too large. */
function toBase64Source(text: string): ByteSource {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const length = Math.floor(((text.length - padding) * 3) / 4)
  return {
    length,
    read(offset, count) {
      const group = Math.floor(offset / 3)
      const groups = Math.ceil((offset + count) / 3) - group
      const decoded = Buffer.from(text.slice(group * 4, (group + groups) * 4), 'base64')
      const skip = offset - group * 3
      return decoded.subarray(skip, skip + count)
    },
  }
}
