/** Bytes that can be looked at without having them all, such as the head of a base64 string. `read` gives fewer bytes at the end, never throws. */
export type ByteSource = { readonly length: number; read(offset: number, length: number): Uint8Array }

/** Where a WAV file keeps its samples and how fast they play. */
export type WavLayout = {
  readonly sampleRateHz: number
  readonly channels: number
  readonly bytesPerSecond: number
  /** Offset of the first sample. */
  readonly dataStart: number
  /** Bytes of samples as the header says; Infinity where a stream's header leaves it open. */
  readonly dataBytes: number
}

type Format = Pick<WavLayout, 'sampleRateHz' | 'channels' | 'bytesPerSecond'>

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
/** Written by encoders that cannot seek back to fill the size in. */
const SIZES_UNKNOWN: readonly number[] = [0, 0xffff_ffff]
/** Sample formats whose frames all have `channels × bits` bits: PCM, float, A-law, mu-law. Others are measured by the header's byte rate. */
const EVEN_FORMATS: readonly number[] = [1, 3, 6, 7]
const FORMAT_EXTENSIBLE = 0xfffe

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
  let format: Format | undefined
  let data: Pick<WavLayout, 'dataStart' | 'dataBytes'> | undefined
  let offset = FILE_HEADER_BYTES
  for (let chunks = 0; chunks < CHUNKS_MAX && !(format && data); chunks++) {
    const header = source.read(offset, CHUNK_HEADER_BYTES)
    if (header.length < CHUNK_HEADER_BYTES) break
    const bytes = viewOf(header).getUint32(4, true)
    const start = offset + CHUNK_HEADER_BYTES
    const id = tag(header, 0)
    if (id === 'fmt ') format = readFormat(source.read(start, Math.min(bytes, FORMAT_BYTES_EXTENSIBLE)))
    if (id === 'data') data = { dataStart: start, dataBytes: SIZES_UNKNOWN.includes(bytes) ? Number.POSITIVE_INFINITY : bytes }
    if (data?.dataBytes === Number.POSITIVE_INFINITY) break
    offset = start + bytes + (bytes % 2)
  }
  return format && data && { ...format, ...data }
}

function readFormat(chunk: Uint8Array): Format | undefined {
  if (chunk.length < FORMAT_BYTES_MIN) return undefined
  const view = viewOf(chunk)
  const channels = view.getUint16(2, true)
  const sampleRateHz = view.getUint32(4, true)
  const bits = view.getUint16(14, true)
  if (channels < 1 || channels > CHANNELS_MAX || sampleRateHz < 1 || sampleRateHz > SAMPLE_RATE_HZ_MAX) return undefined
  const frameBytes = channels * Math.ceil(bits / 8)
  const bytesPerSecond = EVEN_FORMATS.includes(sampleFormat(view)) ? frameBytes * sampleRateHz : view.getUint32(8, true)
  return bytesPerSecond > 0 ? { sampleRateHz, channels, bytesPerSecond } : undefined
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
