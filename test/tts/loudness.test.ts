import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { type AudioMeterOptions, createAudioMeter, describeAudio, hasSound, isSilent, type SoundFacts } from '../../src/tts/audio.ts'
import { amplify, concat, encoders, exactRmsDbfs, noise, pcm, RATE_HZ, silence, sine, speech, tone, type Wave } from './waves.ts'

const MIME = `audio/L16;codec=pcm;rate=${RATE_HZ}`
/** The clock stands still: a busy machine must not shorten what is measured. */
const ANALYSE: AudioMeterOptions = { analyse: true, now: () => 0 }

function soundOf(wave: Wave): SoundFacts {
  const sound = describeAudio(pcm(wave).toString('base64'), MIME, ANALYSE)?.sound
  if (!sound) throw new Error('nothing was analysed')
  return sound
}

test('without being asked nobody listens', () => {
  const meter = createAudioMeter(MIME)
  meter.add(pcm(tone(1, -6)))
  expect(meter.facts()).not.toHaveProperty('sound')
  expect(meter.firstAudibleS()).toBeUndefined()
  expect(isSilent(meter.facts())).toBe(false)
})

describe('peak and RMS of what is known from mathematics, to 0.05 dB', () => {
  test.each<[string, Wave, number, number]>([
    ['a sine at full scale', sine(2, 0), 0, -3.01],
    ['a sine at -20 dBFS', sine(2, -20), -20, -23.01],
    ['a sine at -45 dBFS', sine(2, -45), -45, -48.01],
    ['white noise', noise(5, -12), -12, -16.77],
    ['as much silence as sine', concat(silence(1), sine(1, -6)), -6, -12.02],
  ])('%s', (_, wave, peakDbfs, rmsDbfs) => {
    const sound = soundOf(wave)
    expect(sound.peakDbfs).toBeCloseTo(peakDbfs, 1)
    expect(sound.rmsDbfs).toBeCloseTo(rmsDbfs, 1)
    expect(sound.isSampled).toBe(false)
  })

  test('minutes of a steady sound, of which only windows are looked at', () => {
    const sound = soundOf(sine(90, -20))
    expect(sound).toMatchObject({ isSampled: true, isSilent: false, clippedShare: 0 })
    expect(sound.peakDbfs).toBeCloseTo(-20, 1)
    expect(sound.rmsDbfs).toBeCloseTo(-23.01, 1)
  })

  test.each([1, 2, 3, 4, 5, 6])('a minute of speech to 1.5 dB (%d)', (seed) => {
    const wave = speech(60, seed)
    expect(Math.abs((soundOf(wave).rmsDbfs ?? 0) - exactRmsDbfs(wave))).toBeLessThan(1.5)
  })
})

describe('silence at both ends', () => {
  test.each<[string, Wave, number, number]>([
    ['none', tone(1, -6), 0, 0],
    ['before', concat(silence(0.25), tone(1, -6)), 0.25, 0],
    ['behind', concat(tone(1, -6), silence(0.75)), 0, 0.75],
    ['of noise that nobody hears', concat(noise(0.5, -55), tone(1, -6), noise(0.25, -55)), 0.5, 0.25],
    ['of a minute', concat(silence(1.5), tone(57, -6), silence(1.5)), 1.5, 1.5],
  ])('%s, exactly', (_, wave, leadingSilenceS, trailingSilenceS) => {
    expect(soundOf(wave)).toMatchObject({ leadingSilenceS, trailingSilenceS, isSilent: false })
  })

  test('longer than two seconds of a minute, to a 512th of the whole', () => {
    const sound = soundOf(concat(silence(20), tone(30, -6), silence(10)))
    expect(Math.abs(sound.leadingSilenceS - 20)).toBeLessThan(60 / 512)
    expect(Math.abs(sound.trailingSilenceS - 10)).toBeLessThan(60 / 512)
  })
})

describe('silent audio', () => {
  test.each<[string, Wave]>([
    ['nothing but zeros', silence(2)],
    ['noise of -55 dBFS', noise(2, -55)],
    ['a minute of zeros', silence(60)],
    ['a minute of noise of -55 dBFS', noise(60, -55)],
  ])('%s has a duration and cannot be heard', (_, wave) => {
    const facts = describeAudio(pcm(wave), MIME, ANALYSE)
    const seconds = wave.length / RATE_HZ
    expect(hasSound(facts)).toBe(true)
    expect(isSilent(facts)).toBe(true)
    expect(facts?.sound).toMatchObject({ leadingSilenceS: seconds, trailingSilenceS: seconds, clippedShare: 0 })
  })

  test('zeros have no level in decibels', () => {
    expect(soundOf(silence(1))).not.toHaveProperty('peakDbfs')
    expect(soundOf(silence(1))).not.toHaveProperty('rmsDbfs')
  })

  test('a word of 0.2 s in a minute of silence is heard', () => {
    const sound = soundOf(concat(silence(31), tone(0.2, -20), silence(28.8)))
    expect(sound.isSilent).toBe(false)
  })

  test('a header without samples has nothing to say about sound', () => {
    const header = Buffer.from('RIFF$\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\xc0\x5d\0\0\x80\xbb\0\0\x02\0\x10\0data\0\0\0\0', 'latin1')
    expect(describeAudio(header, 'audio/wav', ANALYSE)).toEqual({
      format: 'wav',
      bytes: 44,
      durationS: 0,
      sampleRateHz: 24_000,
      channels: 1,
    })
  })
})

describe('clipping', () => {
  test('a sine turned up four times is at full scale for as long as it would be beyond', () => {
    const share = 1 - (2 / Math.PI) * Math.asin(1 / 4)
    expect(soundOf(amplify(sine(2, 0), 4)).clippedShare).toBeCloseTo(share, 2)
    expect(soundOf(amplify(sine(60, 0), 4)).clippedShare).toBeCloseTo(share, 2)
  })

  test('speech that is not clipped has none', () => {
    expect(soundOf(speech(20, 1)).clippedShare).toBe(0)
  })
})

describe('every encoding that is read', () => {
  const wave = concat(silence(0.1), tone(0.5, -6), silence(0.2))
  const wavOf = (format: number, bits: number, data: Buffer, channels = 1) => {
    const header = Buffer.alloc(44)
    header.write('RIFF', 0)
    header.write('WAVEfmt ', 8)
    header.writeUInt32LE(16, 16)
    header.writeUInt16LE(format, 20)
    header.writeUInt16LE(channels, 22)
    header.writeUInt32LE(RATE_HZ, 24)
    header.writeUInt16LE(bits, 34)
    header.write('data', 36)
    header.writeUInt32LE(data.length, 40)
    return Buffer.concat([header, data])
  }

  test.each<[string, string, Buffer]>([
    ['L16', MIME, encoders.s16le!(wave)],
    ['L16 that says it has the high byte first', `${MIME};endianness=big-endian`, encoders.s16be!(wave)],
    ['L24', `audio/L24;rate=${RATE_HZ}`, encoders.s24le!(wave)],
    ['L24 with the high byte first', `audio/L24;rate=${RATE_HZ};endianness=big-endian`, encoders.s24be!(wave)],
    ['L8', `audio/L8;rate=${RATE_HZ}`, encoders.u8!(wave)],
    ['mu-law', `audio/PCMU;rate=${RATE_HZ}`, encoders.mulaw!(wave)],
    ['A-law', `audio/PCMA;rate=${RATE_HZ}`, encoders.alaw!(wave)],
    ['WAV of 8 bits', 'audio/wav', wavOf(1, 8, encoders.u8!(wave))],
    ['WAV of 16 bits', 'audio/wav', wavOf(1, 16, encoders.s16le!(wave))],
    ['WAV of 24 bits', 'audio/wav', wavOf(1, 24, encoders.s24le!(wave))],
    ['WAV of 32 bits', 'audio/wav', wavOf(1, 32, encoders.s32le!(wave))],
    ['WAV of floats', 'audio/wav', wavOf(3, 32, encoders.f32le!(wave))],
    ['WAV of doubles', 'audio/wav', wavOf(3, 64, encoders.f64le!(wave))],
    ['WAV of mu-law', 'audio/wav', wavOf(7, 8, encoders.mulaw!(wave))],
    ['WAV of A-law', 'audio/wav', wavOf(6, 8, encoders.alaw!(wave))],
  ])('%s', (_, mimeType, bytes) => {
    const facts = describeAudio(bytes, mimeType, ANALYSE)
    expect(facts).toMatchObject({ durationS: 0.8, sound: { leadingSilenceS: 0.1, trailingSilenceS: 0.2, isSilent: false } })
    expect(facts?.sound?.peakDbfs).toBeGreaterThan(-6.3)
    expect(facts?.sound?.peakDbfs).toBeLessThan(-5.7)
    expect(describeAudio(bytes.toString('base64'), mimeType, ANALYSE)).toEqual(facts)
  })

  test('both channels of stereo, in the time of one', () => {
    const stereo = Float64Array.from({ length: wave.length * 2 }, (_, i) => (i % 2 ? wave[(i - 1) / 2]! : 0))
    const facts = describeAudio(wavOf(1, 16, encoders.s16le!(stereo), 2), 'audio/wav', ANALYSE)
    expect(facts).toMatchObject({ durationS: 0.8, sound: { leadingSilenceS: 0.1, trailingSilenceS: 0.2 } })
  })

  test('a WAV of compressed audio has a duration and no loudness', () => {
    const adpcm = wavOf(17, 4, Buffer.alloc(1_000))
    adpcm.writeUInt32LE(1_000, 28)
    expect(describeAudio(adpcm, 'audio/wav', ANALYSE)).toMatchObject({ durationS: 1 })
    expect(describeAudio(adpcm, 'audio/wav', ANALYSE)).not.toHaveProperty('sound')
  })

  test('floats that are no numbers are silence', () => {
    const floats = encoders.f32le!(Float64Array.from([Number.NaN, Number.POSITIVE_INFINITY, 1e30, 0.5]))
    expect(describeAudio(wavOf(3, 32, floats), 'audio/wav', ANALYSE)?.sound).toMatchObject({ peakDbfs: -6.02, clippedShare: 0 })
  })
})

describe('a stream', () => {
  const wave = concat(silence(0.3), speech(8, 3), tone(0.1, -6), silence(0.4))
  const whole = describeAudio(pcm(wave), MIME, ANALYSE)

  test.each([1, 3, 481, 960, 4_801, 48_000])('in pieces of %d bytes sounds like the whole, also where a sample is split', (size) => {
    const meter = createAudioMeter(MIME, ANALYSE)
    const bytes = size === 1 ? pcm(wave).subarray(0, 30_000) : pcm(wave)
    for (let at = 0; at < bytes.length; at += size) meter.add(Buffer.from(bytes.subarray(at, at + size)).toString('base64'))
    const expected = size === 1 ? describeAudio(bytes, MIME, ANALYSE)?.sound : whole?.sound
    expect(meter.facts()?.sound).toMatchObject({
      leadingSilenceS: expected?.leadingSilenceS,
      trailingSilenceS: expected?.trailingSilenceS,
      clippedShare: 0,
      isSampled: false,
    })
    expect(meter.facts()?.sound?.rmsDbfs).toBeCloseTo(expected?.rmsDbfs ?? 0, 1)
  })

  test('says when the first sound has come, as soon as it has', () => {
    const meter = createAudioMeter(MIME, ANALYSE)
    meter.add(pcm(silence(1)))
    expect(meter.firstAudibleS()).toBeUndefined()
    meter.add(pcm(concat(silence(0.5), tone(0.5, -6))))
    expect(meter.firstAudibleS()).toBe(1.5)
    meter.add(pcm(tone(1, -6)))
    expect(meter.firstAudibleS()).toBe(1.5)
  })

  test('a buffer that the caller uses again has no effect on what came before', () => {
    const meter = createAudioMeter(MIME, ANALYSE)
    const buffer = Buffer.alloc(9)
    for (const byte of pcm(tone(0.01, -6))) {
      buffer[0] = byte
      meter.add(buffer.subarray(0, 1))
    }
    expect(meter.facts()).toEqual(describeAudio(pcm(tone(0.01, -6)), MIME, ANALYSE))
  })
})

describe('a call whose time is over', () => {
  const wave = concat(silence(0.5), tone(4, -6), silence(0.5))

  /** As on a machine where `blockMs` pass for each block. */
  function listenSlowly(blockMs: number) {
    let looks = 0
    const sound = describeAudio(pcm(wave), MIME, { analyse: true, now: () => blockMs * looks++ })?.sound
    return { sound, looks }
  }

  test('stops, says so, and still knows both ends', () => {
    const { sound, looks } = listenSlowly(0.05)
    expect(sound).toMatchObject({ isSampled: true, leadingSilenceS: 0.5, trailingSilenceS: 0.5, isSilent: false })
    expect(looks).toBeLessThan(70)
  })

  test('has heard enough to know that it is not silent, however slow the machine', () => {
    const { sound, looks } = listenSlowly(10)
    expect(sound).toMatchObject({ isSampled: true, isSilent: false, peakDbfs: expect.closeTo(-6, 1) })
    expect(looks).toBeLessThan(5)
  })
})

test('a piece of which less was looked at counts no less', () => {
  const pieces = [tone(2, -6), tone(2, -26)].map(pcm)
  let nowMs = 0
  let msPerLook = 0
  const hurried = createAudioMeter(MIME, { analyse: true, now: () => (nowMs += msPerLook) })
  const inTime = createAudioMeter(MIME, { analyse: true, now: () => 0 })
  for (const piece of pieces) {
    hurried.add(piece)
    inTime.add(piece)
    msPerLook = 10
  }
  expect(hurried.facts()?.sound).toMatchObject({ isSampled: true, rmsDbfs: expect.closeTo(inTime.facts()?.sound?.rmsDbfs ?? 0, 1) })
})

test('random bytes and damaged base64 never throw', () => {
  for (let round = 0; round < 2_000; round++) {
    const bytes = randomBytes(round % 300)
    const mimeType = ['audio/L16', 'audio/L24', 'audio/PCMU', 'audio/wav', 'audio/L16;channels=7'][round % 5]!
    const facts = describeAudio(round % 2 ? bytes : bytes.toString('latin1'), mimeType, ANALYSE)
    expect(facts?.sound?.clippedShare ?? 0).toBeLessThanOrEqual(1)
    expect(facts?.sound?.leadingSilenceS ?? 0).toBeGreaterThanOrEqual(0)
  }
})
