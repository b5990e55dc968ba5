import { seededRandom } from '../support/random.ts'
/** Synthetic audio whose loudness is known from mathematics. Values from -1 to 1. */

export const RATE_HZ = 24_000

export type Wave = Float64Array

export function sine(seconds: number, dbfs: number, hz = 440): Wave {
  const amplitude = 10 ** (dbfs / 20)
  return Float64Array.from({ length: Math.round(seconds * RATE_HZ) }, (_, i) => amplitude * Math.sin((2 * Math.PI * hz * i) / RATE_HZ))
}

/** A cosine, so that it is heard from its first sample on, and ends at a value that is heard. */
export function tone(seconds: number, dbfs: number): Wave {
  return sine(seconds, dbfs, 6_000).map((_, i) => 10 ** (dbfs / 20) * (i % 2 ? -1 : 1))
}

export function silence(seconds: number): Wave {
  return new Float64Array(Math.round(seconds * RATE_HZ))
}

/** Uniform white noise, the same at every run: its RMS is 4.77 dB below its peak. */
export function noise(seconds: number, peakDbfs: number, seed = 1): Wave {
  const random = seededRandom(seed)
  const amplitude = 10 ** (peakDbfs / 20)
  return Float64Array.from({ length: Math.round(seconds * RATE_HZ) }, () => amplitude * (2 * random() - 1))
}

/** Syllables of 80 to 300 ms, some 24 dB louder than others, and pauses of up to a second. */
export function speech(seconds: number, seed: number): Wave {
  const random = seededRandom(seed)
  const wave = silence(seconds)
  for (let at = 0; at < wave.length; ) {
    if (random() < 0.15) {
      at += Math.floor(4_800 + random() * 19_200)
      continue
    }
    const length = Math.min(wave.length - at, Math.floor(2_000 + random() * 5_000))
    const amplitude = 0.5 * 10 ** ((-24 * random()) / 20)
    const turns = (2 * Math.PI * (100 + 100 * random())) / RATE_HZ
    for (let i = 0; i < length; i++)
      wave[at + i] = amplitude * Math.sin((Math.PI * i) / length) * (Math.sin(turns * i) + 0.5 * Math.sin(3.1 * turns * i))
    at += length
  }
  return wave
}

export function concat(...waves: readonly Wave[]): Wave {
  const whole = new Float64Array(waves.reduce((length, wave) => length + wave.length, 0))
  let at = 0
  for (const wave of waves) {
    whole.set(wave, at)
    at += wave.length
  }
  return whole
}

/** Cut off at full scale, as an amplifier that is turned up too far does. */
export function amplify(wave: Wave, factor: number): Wave {
  return wave.map((value) => Math.max(-1, Math.min(1, value * factor)))
}

export const encoders: Readonly<Record<string, (wave: Wave) => Buffer>> = {
  s16le: (wave) => each(wave, 2, (bytes, value, at) => bytes.writeInt16LE(whole(value, 32_768), at)),
  s16be: (wave) => each(wave, 2, (bytes, value, at) => bytes.writeInt16BE(whole(value, 32_768), at)),
  u8: (wave) => each(wave, 1, (bytes, value, at) => bytes.writeUInt8(whole(value, 128) + 128, at)),
  s24le: (wave) => each(wave, 3, (bytes, value, at) => bytes.writeIntLE(whole(value, 8_388_608), at, 3)),
  s24be: (wave) => each(wave, 3, (bytes, value, at) => bytes.writeIntBE(whole(value, 8_388_608), at, 3)),
  s32le: (wave) => each(wave, 4, (bytes, value, at) => bytes.writeInt32LE(whole(value, 2_147_483_648), at)),
  f32le: (wave) => each(wave, 4, (bytes, value, at) => bytes.writeFloatLE(value, at)),
  f64le: (wave) => each(wave, 8, (bytes, value, at) => bytes.writeDoubleLE(value, at)),
  mulaw: (wave) => each(wave, 1, (bytes, value, at) => bytes.writeUInt8(toMulaw(whole(value, 32_768)), at)),
  alaw: (wave) => each(wave, 1, (bytes, value, at) => bytes.writeUInt8(toAlaw(whole(value, 32_768)), at)),
}

export function pcm(wave: Wave): Buffer {
  return encoders.s16le!(wave)
}

/** Every sample looked at. */
export function exactRmsDbfs(wave: Wave): number {
  return 10 * Math.log10(wave.reduce((sum, value) => sum + value * value, 0) / wave.length)
}

function each(wave: Wave, sampleBytes: number, write: (bytes: Buffer, value: number, at: number) => void): Buffer {
  const bytes = Buffer.alloc(wave.length * sampleBytes)
  wave.forEach((value, i) => {
    write(bytes, value, i * sampleBytes)
  })
  return bytes
}

function whole(value: number, scale: number): number {
  return Math.max(-scale, Math.min(scale - 1, Math.round(value * scale)))
}

/** The encoder of G.711, written apart from the decoder that is tested. */
function toMulaw(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0
  const magnitude = Math.min(Math.abs(sample), 32_635) + 132
  const exponent = Math.floor(Math.log2(magnitude)) - 7
  return ~(sign | (exponent << 4) | ((magnitude >> (exponent + 3)) & 0x0f)) & 0xff
}

function toAlaw(sample: number): number {
  const sign = sample < 0 ? 0 : 0x80
  const magnitude = Math.min(sample < 0 ? ~sample : sample, 32_767) >> 4
  const exponent = magnitude < 16 ? 0 : Math.floor(Math.log2(magnitude)) - 3
  const mantissa = exponent === 0 ? magnitude : (magnitude >> (exponent - 1)) & 0x0f
  return (sign | (exponent << 4) | mantissa) ^ 0x55
}
