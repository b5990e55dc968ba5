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
  /** Greatest value it can hold: a sample there may have been cut off. */
  readonly fullScale: number
  /** From its bytes, read one by one where that is possible: DataView takes twice as long. */
  readonly decode: (from: Uint8Array, count: number, into: Float32Array) => void
}

const FULL_SCALE_16 = 32_767 / 32_768

/** Its samples have this size and range, and are read into numbers from -1 to 1; floats may go beyond. */
export const ENCODINGS: Readonly<Record<SampleEncoding, Encoding>> = {
  s16le: {
    bytes: 2,
    fullScale: FULL_SCALE_16,
    decode(from, count, into) {
      for (let i = 0; i < count; i++) into[i] = (((from[i * 2 + 1]! << 24) >> 16) | from[i * 2]!) / 32_768
    },
  },
  s16be: {
    bytes: 2,
    fullScale: FULL_SCALE_16,
    decode(from, count, into) {
      for (let i = 0; i < count; i++) into[i] = (((from[i * 2]! << 24) >> 16) | from[i * 2 + 1]!) / 32_768
    },
  },
  u8: {
    bytes: 1,
    fullScale: 127 / 128,
    decode(from, count, into) {
      for (let i = 0; i < count; i++) into[i] = (from[i]! - 128) / 128
    },
  },
  s24le: {
    bytes: 3,
    fullScale: FULL_SCALE_16,
    decode(from, count, into) {
      for (let i = 0; i < count; i++) into[i] = (((from[i * 3 + 2]! << 24) >> 8) | (from[i * 3 + 1]! << 8) | from[i * 3]!) / 8_388_608
    },
  },
  s24be: {
    bytes: 3,
    fullScale: FULL_SCALE_16,
    decode(from, count, into) {
      for (let i = 0; i < count; i++) into[i] = (((from[i * 3]! << 24) >> 8) | (from[i * 3 + 1]! << 8) | from[i * 3 + 2]!) / 8_388_608
    },
  },
  s32le: {
    bytes: 4,
    fullScale: FULL_SCALE_16,
    decode(from, count, into) {
      const view = viewOf(from)
      for (let i = 0; i < count; i++) into[i] = view.getInt32(i * 4, true) / 2_147_483_648
    },
  },
  f32le: {
    bytes: 4,
    fullScale: FULL_SCALE_16,
    decode(from, count, into) {
      const view = viewOf(from)
      for (let i = 0; i < count; i++) into[i] = plausible(view.getFloat32(i * 4, true))
    },
  },
  f64le: {
    bytes: 8,
    fullScale: FULL_SCALE_16,
    decode(from, count, into) {
      const view = viewOf(from)
      for (let i = 0; i < count; i++) into[i] = plausible(view.getFloat64(i * 8, true))
    },
  },
  mulaw: {
    bytes: 1,
    fullScale: 32_124 / 32_768,
    decode(from, count, into) {
      for (let i = 0; i < count; i++) into[i] = fromMulaw(from[i]!) / 32_768
    },
  },
  alaw: {
    bytes: 1,
    fullScale: 32_256 / 32_768,
    decode(from, count, into) {
      for (let i = 0; i < count; i++) into[i] = fromAlaw(from[i]!) / 32_768
    },
  },
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
