import type { ByteSource } from './audio-source.ts'
import type { PcmLayout, SampleEncoding } from './pcm.ts'

/** Where a WAV file keeps its samples and how fast they play. */
export type WavLayout = PcmLayout & {
  /** Offset of the first sample. */
  readonly dataStart: number
  /** Bytes of samples as the header says; Infinity where a stream's header leaves it open. */
  readonly dataBytes: number
}

/** RIFF, size, WAVE. */
const FILE_HEADER_BYTES = 12
const CHUNK_HEADER_BYTES = 8
/** Format, channels, rate, byte rate, block size, bits; the extensible form adds 24 more. */
const FORMAT_BYTES_MIN = 16
const FORMAT_BYTES_EXTENSIBLE = 40
/** A file has two to ten chunks; a hostile one could hold an empty chunk in every eight bytes. */
const CHUNKS_MAX = 128
/** Above every converter that is built; a value beyond is noise. */
const SAMPLE_RATE_HZ_MAX = 1_000_000
const CHANNELS_MAX = 256
/** Encoders that cannot seek back to fill the size in write 0, 0xFFFFFFFF, 0x7FFFFFFF or something near: no speech has 2 GB. */
const DATA_BYTES_PLAUSIBLE_MAX = 0x7f00_0000
/** Sample formats whose frames all have `channels × bits` bits: PCM, float, A-law, mu-law. Others are measured by the header's byte rate. */
const EVEN_FORMATS: readonly number[] = [1, 3, 6, 7]
const FORMAT_EXTENSIBLE = 0xfffe
const ENCODING_NAMES: Readonly<Record<number, Readonly<Record<number, SampleEncoding>>>> = {
  1: { 1: 'u8', 2: 's16le', 3: 's24le', 4: 's32le' },
  3: { 4: 'f32le', 8: 'f64le' },
  6: { 1: 'alaw' },
  7: { 1: 'mulaw' },
}

/** Whether the bytes begin as a WAV file does (RIFF, or RF64 beyond 4 GiB). */
export function isWav(source: ByteSource): boolean {
  const head = source.read(0, FILE_HEADER_BYTES)
  const container = tag(head, 0)
  return (container === 'RIFF' || container === 'RF64') && tag(head, 8) === 'WAVE'
}

/**
 * Finds format and samples in a WAV file, whatever the order of its chunks. Undefined when either is missing, cut off or
 * makes no sense. Reads only chunk headers. https://learn.microsoft.com/windows/win32/xaudio2/resource-interchange-file-format--riff-
 */
export function readWavLayout(source: ByteSource): WavLayout | undefined {
  let format: PcmLayout | undefined
  let data: Pick<WavLayout, 'dataStart' | 'dataBytes'> | undefined
  let offset = FILE_HEADER_BYTES
  for (let chunks = 0; chunks < CHUNKS_MAX && !(format && data); chunks++) {
    const header = source.read(offset, CHUNK_HEADER_BYTES)
    if (header.length < CHUNK_HEADER_BYTES) break
    const bytes = viewOf(header).getUint32(4, true)
    const start = offset + CHUNK_HEADER_BYTES
    const id = tag(header, 0)
    if (id === 'fmt ') format = readFormat(source.read(start, Math.min(bytes, FORMAT_BYTES_EXTENSIBLE)))
    if (id === 'data') data = { dataStart: start, dataBytes: isSizeKnown(bytes) ? bytes : Number.POSITIVE_INFINITY }
    if (data?.dataBytes === Number.POSITIVE_INFINITY) break
    offset = start + bytes + (bytes % 2)
  }
  return format && data && { ...format, ...data }
}

function isSizeKnown(bytes: number): boolean {
  return bytes > 0 && bytes < DATA_BYTES_PLAUSIBLE_MAX
}

function readFormat(chunk: Uint8Array): PcmLayout | undefined {
  if (chunk.length < FORMAT_BYTES_MIN) return undefined
  const view = viewOf(chunk)
  const channels = view.getUint16(2, true)
  const sampleRateHz = view.getUint32(4, true)
  const bits = view.getUint16(14, true)
  if (channels < 1 || channels > CHANNELS_MAX || sampleRateHz < 1 || sampleRateHz > SAMPLE_RATE_HZ_MAX) return undefined
  const sampleBytes = Math.ceil(bits / 8)
  const format = sampleFormat(view)
  const bytesPerSecond = EVEN_FORMATS.includes(format) ? channels * sampleBytes * sampleRateHz : view.getUint32(8, true)
  return bytesPerSecond > 0 ? { sampleRateHz, channels, bytesPerSecond, encoding: ENCODING_NAMES[format]?.[sampleBytes] } : undefined
}

/** WAVE_FORMAT_EXTENSIBLE keeps the real format in the first two bytes of a GUID. */
function sampleFormat(view: DataView): number {
  const format = view.getUint16(0, true)
  return format === FORMAT_EXTENSIBLE && view.byteLength >= 26 ? view.getUint16(24, true) : format
}

function tag(bytes: Uint8Array, offset: number): string {
  return String.fromCharCode(...bytes.subarray(offset, offset + 4))
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
