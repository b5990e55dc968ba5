/** How uncompressed audio is laid out. */
export type PcmLayout = {
  readonly sampleRateHz: number
  readonly channels: number
  readonly bytesPerSecond: number
  /** Undefined for encodings that are measured but not read, such as ADPCM in a WAV file. */
  readonly encoding: SampleEncoding | undefined
}

/** One sample of one channel: unsigned, signed or float, bits, byte order; or G.711. */
export type SampleEncoding = 'u8' | 's16le' | 's16be' | 's24le' | 's24be' | 's32le' | 'f32le' | 'f64le' | 'mulaw' | 'alaw'

type Encoding = {
  readonly bytes: number
  /** The value that decoding gives for full scale, which is 1 or 0 dBFS. */
  readonly scale: number
  /** Greatest value it can hold, in the same unit: a sample there may have been cut off. */
  readonly greatest: number
  readonly decode: (from: Uint8Array, count: number, into: Float32Array) => void
}

/** Where 16 bits end: what is quieter than that by less than their last bit counts as cut off, too. */
const FULL_SCALE_16 = 32_767 / 32_768

/** How samples are read into numbers: size, range, decoder. */
export const ENCODINGS: Readonly<Record<SampleEncoding, Encoding>> = {
  s16le: { bytes: 2, scale: 32_768, greatest: 32_767, decode: isLittleEndian() ? decodeNative16 : decodeLow16 },
  s16be: {
    bytes: 2,
    scale: 32_768,
    greatest: 32_767,
    decode(from, count, into) {
      for (let i = 0; i < count; i++) into[i] = ((from[i * 2]! << 24) >> 16) | from[i * 2 + 1]!
    },
  },
  u8: {
    bytes: 1,
    scale: 128,
    greatest: 127,
    decode(from, count, into) {
      for (let i = 0; i < count; i++) into[i] = from[i]! - 128
    },
  },
  s24le: {
    bytes: 3,
    scale: 8_388_608,
    greatest: 8_388_608 * FULL_SCALE_16,
    decode(from, count, into) {
      for (let i = 0; i < count; i++) into[i] = ((from[i * 3 + 2]! << 24) >> 8) | (from[i * 3 + 1]! << 8) | from[i * 3]!
    },
  },
  s24be: {
    bytes: 3,
    scale: 8_388_608,
    greatest: 8_388_608 * FULL_SCALE_16,
    decode(from, count, into) {
      for (let i = 0; i < count; i++) into[i] = ((from[i * 3]! << 24) >> 8) | (from[i * 3 + 1]! << 8) | from[i * 3 + 2]!
    },
  },
  s32le: {
    bytes: 4,
    scale: 1,
    greatest: FULL_SCALE_16,
    decode(from, count, into) {
      const view = viewOf(from)
      for (let i = 0; i < count; i++) into[i] = view.getInt32(i * 4, true) / 2_147_483_648
    },
  },
  f32le: {
    bytes: 4,
    scale: 1,
    greatest: FULL_SCALE_16,
    decode(from, count, into) {
      const view = viewOf(from)
      for (let i = 0; i < count; i++) into[i] = plausible(view.getFloat32(i * 4, true))
    },
  },
  f64le: {
    bytes: 8,
    scale: 1,
    greatest: FULL_SCALE_16,
    decode(from, count, into) {
      const view = viewOf(from)
      for (let i = 0; i < count; i++) into[i] = plausible(view.getFloat64(i * 8, true))
    },
  },
  mulaw: {
    bytes: 1,
    scale: 32_768,
    greatest: 32_124,
    decode(from, count, into) {
      for (let i = 0; i < count; i++) into[i] = fromMulaw(from[i]!)
    },
  },
  alaw: {
    bytes: 1,
    scale: 32_768,
    greatest: 32_256,
    decode(from, count, into) {
      for (let i = 0; i < count; i++) into[i] = fromAlaw(from[i]!)
    },
  },
}

function isLittleEndian(): boolean {
  return new Uint8Array(Uint16Array.of(1).buffer)[0] === 1
}

/** What almost all speech is; no JavaScript runs for a sample, so that the first call of a process is fast as well. */
function decodeNative16(from: Uint8Array, count: number, into: Float32Array): void {
  const aligned = from.byteOffset % 2 === 0 ? from : Uint8Array.from(from)
  into.set(new Int16Array(aligned.buffer, aligned.byteOffset, count))
}

function decodeLow16(from: Uint8Array, count: number, into: Float32Array): void {
  for (let i = 0; i < count; i++) into[i] = ((from[i * 2 + 1]! << 24) >> 16) | from[i * 2]!
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** 60 dB above full scale: a float beyond is damage, as is one that is no number. */
const FLOAT_MAX = 1_000

function plausible(value: number): number {
  return Math.abs(value) <= FLOAT_MAX ? value : 0
}

/** ITU-T G.711: sign, three bits of exponent, four of mantissa, all inverted. */
function fromMulaw(byte: number): number {
  const bits = ~byte
  const magnitude = (((bits & 0x0f) << 3) + 0x84) << ((bits & 0x70) >> 4)
  return bits & 0x80 ? 0x84 - magnitude : magnitude - 0x84
}

/** ITU-T G.711: as µ-law, but every other bit is inverted and the lowest segment is linear. */
function fromAlaw(byte: number): number {
  const bits = byte ^ 0x55
  const exponent = (bits & 0x70) >> 4
  const mantissa = (bits & 0x0f) << 4
  const magnitude = exponent === 0 ? mantissa + 8 : (mantissa + 0x108) << (exponent - 1)
  return bits & 0x80 ? magnitude : -magnitude
}
