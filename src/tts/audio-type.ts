import type { PcmLayout, SampleEncoding } from './pcm.ts'
import { ENCODINGS } from './pcm.ts'

/** Container, or encoding of audio that has none. The compressed ones and `other` are not measured: only their size is known. */
export type AudioFormat = 'wav' | 'pcm' | 'mulaw' | 'alaw' | 'mp3' | 'ogg' | 'webm' | 'aac' | 'flac' | 'other'

/** What a media type says. The layout is there for raw audio only. */
export type AudioType = { readonly format: AudioFormat; readonly layout: PcmLayout | undefined }

type Raw = { readonly format: AudioFormat; readonly encoding: SampleEncoding; readonly rateHz: number }

/** Gemini's speech models answer in 24 kHz; their raw audio always says so, others' may not. */
const PCM_RATE_HZ_DEFAULT = 24_000
/** G.711's own rate. */
const G711_RATE_HZ_DEFAULT = 8_000
const RATE_HZ_MAX = 1_000_000
const CHANNELS_MAX = 256
/** Longer media types are not read; real ones have about 30 characters. */
const MIME_CHARACTERS_MAX = 256

/** RFC 2586 has the high byte first; Gemini and every other speech service we know of sends the low one first under the same name. */
const LINEAR_16: Raw = { format: 'pcm', encoding: 's16le', rateHz: PCM_RATE_HZ_DEFAULT }
const MULAW: Raw = { format: 'mulaw', encoding: 'mulaw', rateHz: G711_RATE_HZ_DEFAULT }
const ALAW: Raw = { format: 'alaw', encoding: 'alaw', rateHz: G711_RATE_HZ_DEFAULT }

const RAW = new Map<string, Raw>([
  ['audio/l16', LINEAR_16],
  ['audio/pcm', LINEAR_16],
  ['audio/x-l16', LINEAR_16],
  ['audio/l24', { format: 'pcm', encoding: 's24le', rateHz: PCM_RATE_HZ_DEFAULT }],
  ['audio/l8', { format: 'pcm', encoding: 'u8', rateHz: PCM_RATE_HZ_DEFAULT }],
  ['audio/basic', MULAW],
  ['audio/mulaw', MULAW],
  ['audio/x-mulaw', MULAW],
  ['audio/pcmu', MULAW],
  ['audio/alaw', ALAW],
  ['audio/x-alaw', ALAW],
  ['audio/pcma', ALAW],
])

const CONTAINERS = new Map<string, AudioFormat>([
  ['audio/wav', 'wav'],
  ['audio/x-wav', 'wav'],
  ['audio/wave', 'wav'],
  ['audio/vnd.wave', 'wav'],
  ['audio/mpeg', 'mp3'],
  ['audio/mp3', 'mp3'],
  ['audio/ogg', 'ogg'],
  ['audio/opus', 'ogg'],
  ['audio/webm', 'webm'],
  ['audio/aac', 'aac'],
  ['audio/mp4', 'aac'],
  ['audio/flac', 'flac'],
  ['audio/x-flac', 'flac'],
])

/** Big-endian forms, for those who follow the RFC and say so. */
const SWAPPED: Partial<Record<SampleEncoding, SampleEncoding>> = { s16le: 's16be', s24le: 's24be' }

/** Reads `audio/L16;codec=pcm;rate=24000;channels=2`: any case and order of parameters. Undefined for what is no audio. */
export function parseAudioType(mimeType: string): AudioType | undefined {
  if (typeof mimeType !== 'string' || mimeType.length > MIME_CHARACTERS_MAX) return undefined
  const [type = '', ...parameters] = mimeType.toLowerCase().split(';')
  const name = type.trim()
  const raw = RAW.get(name)
  if (raw) return { format: raw.format, layout: layoutOf(raw, new Map(parameters.map(parseParameter))) }
  if (!name.startsWith('audio/')) return undefined
  return { format: CONTAINERS.get(name) ?? 'other', layout: undefined }
}

function parseParameter(text: string): readonly [string, string] {
  const [name = '', value = ''] = text.split('=')
  return [name.trim(), value.trim().replace(/^"(.*)"$/, '$1')]
}

function layoutOf(raw: Raw, parameters: ReadonlyMap<string, string>): PcmLayout {
  const sampleRateHz = count(parameters.get('rate'), RATE_HZ_MAX) ?? raw.rateHz
  const channels = count(parameters.get('channels'), CHANNELS_MAX) ?? 1
  const swapped = parameters.get('endianness') === 'big-endian' ? SWAPPED[raw.encoding] : undefined
  const encoding = swapped ?? raw.encoding
  return { sampleRateHz, channels, bytesPerSecond: sampleRateHz * channels * ENCODINGS[encoding].bytes, encoding }
}

function count(value: string | undefined, max: number): number | undefined {
  const number = Number(value)
  return Number.isInteger(number) && number > 0 && number <= max ? number : undefined
}
