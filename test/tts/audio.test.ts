import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createAudioMeter, describeAudio, hasSound } from '../../src/tts/audio.ts'

type Wav = {
  readonly rate?: number
  readonly channels?: number
  readonly bits?: number
  readonly format?: number
  readonly extensible?: boolean
  readonly size?: number
  readonly samples: number
}

function chunk(id: string, body: Buffer, size = body.length): Buffer {
  const header = Buffer.alloc(8)
  header.write(id)
  header.writeUInt32LE(size, 4)
  return Buffer.concat([header, body, Buffer.alloc(body.length % 2)])
}

function formatChunk({ rate = 24_000, channels = 1, bits = 16, format = 1, extensible = false }: Wav): Buffer {
  const body = Buffer.alloc(extensible ? 40 : 16)
  body.writeUInt16LE(extensible ? 0xfffe : format, 0)
  body.writeUInt16LE(channels, 2)
  body.writeUInt32LE(rate, 4)
  body.writeUInt32LE((rate * channels * bits) / 8, 8)
  body.writeUInt16LE((channels * bits) / 8, 12)
  body.writeUInt16LE(bits, 14)
  if (extensible) body.writeUInt16LE(format, 24)
  return chunk('fmt ', body)
}

function riff(...chunks: readonly Buffer[]): Buffer {
  const body = Buffer.concat([Buffer.from('WAVE'), ...chunks])
  return chunk('RIFF', body)
}

const dataChunk = ({ samples, size }: Wav) => chunk('data', Buffer.alloc(samples), size)
const wav = (options: Wav) => riff(formatChunk(options), dataChunk(options))

describe('a WAV file', () => {
  test.each<[string, Buffer, object]>([
    ['as Gemini sends it', wav({ samples: 48_000 }), { durationS: 1, sampleRateHz: 24_000, channels: 1, bytes: 48_044 }],
    ['in stereo', wav({ rate: 44_100, channels: 2, samples: 176_400 }), { durationS: 1, sampleRateHz: 44_100, channels: 2 }],
    ['of mu-law', wav({ rate: 8_000, bits: 8, format: 7, samples: 4_000 }), { durationS: 0.5 }],
    ['of float', wav({ bits: 32, format: 3, samples: 96_000 }), { durationS: 1 }],
    ['in the extensible form', wav({ extensible: true, samples: 24_000 }), { durationS: 0.5 }],
    [
      'with a list before the samples',
      riff(formatChunk({ samples: 0 }), chunk('LIST', Buffer.alloc(333)), dataChunk({ samples: 48_000 })),
      { durationS: 1 },
    ],
    [
      'with a list behind the samples',
      riff(formatChunk({ samples: 0 }), dataChunk({ samples: 48_000 }), chunk('LIST', Buffer.alloc(5_000))),
      { durationS: 1 },
    ],
    ['with the samples before the format', riff(dataChunk({ samples: 48_000 }), formatChunk({ samples: 0 })), { durationS: 1 }],
    ['with unknown size 0xFFFFFFFF', wav({ samples: 48_000, size: 0xffff_ffff }), { durationS: 1 }],
    ['with unknown size 0', wav({ samples: 48_000, size: 0 }), { durationS: 1 }],
    ['that was cut off', wav({ samples: 48_000 }).subarray(0, 44 + 24_000), { durationS: 0.5 }],
    ['with nothing but a header', wav({ samples: 0 }), { durationS: 0, bytes: 44 }],
  ])('%s', (_, bytes, expected) => {
    expect(describeAudio(bytes, 'audio/wav')).toMatchObject({ format: 'wav', ...expected })
    expect(describeAudio(bytes.toString('base64'), 'audio/x-wav; foo=bar')).toEqual(describeAudio(bytes, 'audio/wav'))
    expect(describeAudio(bytes, 'application/octet-stream'), 'recognized by its first bytes').toEqual(describeAudio(bytes, 'audio/wav'))
  })

  test.each<[string, Buffer]>([
    ['without a format', riff(dataChunk({ samples: 100 }))],
    ['without samples', riff(formatChunk({ samples: 0 }))],
    ['with no channels', wav({ channels: 0, samples: 100 })],
    ['with a rate of 0', wav({ rate: 0, samples: 100 })],
    ['with a rate of 4 GHz', wav({ rate: 4_000_000_000, bits: 8, samples: 100 })],
    ['with frames of 0 bits', wav({ bits: 0, samples: 100 })],
    ['that is only its name', Buffer.from('RIFF\0\0\0\0WAVE')],
    [
      'with 10,000 empty chunks',
      riff(...Array.from({ length: 10_000 }, () => chunk('junk', Buffer.alloc(0))), formatChunk({ samples: 0 }), dataChunk({ samples: 9 })),
    ],
  ])('%s has a size and no duration', (_, bytes) => {
    expect(describeAudio(bytes, 'audio/wav')).toEqual({ format: 'wav', bytes: bytes.length })
  })
})

describe('raw audio is measured by its media type', () => {
  test.each([
    ['audio/L16;codec=pcm;rate=24000', 48_000, { format: 'pcm', durationS: 1, sampleRateHz: 24_000, channels: 1 }],
    ['audio/l16; rate=16000; channels=2', 64_000, { format: 'pcm', durationS: 1, sampleRateHz: 16_000, channels: 2 }],
    ['AUDIO/PCM;RATE=48000', 96_000, { durationS: 1 }],
    ['audio/L16', 48_000, { durationS: 1, sampleRateHz: 24_000 }],
    ['audio/L16;rate=0', 48_000, { durationS: 1, sampleRateHz: 24_000 }],
    ['audio/L16;rate=99999999999', 48_000, { sampleRateHz: 24_000 }],
    ['audio/basic', 8_000, { format: 'mulaw', durationS: 1, sampleRateHz: 8_000 }],
    ['audio/PCMU;rate=16000', 8_000, { format: 'mulaw', durationS: 0.5 }],
    ['audio/x-alaw', 8_000, { format: 'alaw', durationS: 1 }],
    ['audio/L24;rate=48000', 144_000, { format: 'pcm', durationS: 1 }],
    ['audio/L8;rate=8000', 8_000, { format: 'pcm', durationS: 1 }],
    ['audio/L16 ; channels="2" ; Rate="16000"', 64_000, { durationS: 1, sampleRateHz: 16_000, channels: 2 }],
  ])('%s', (mimeType, bytes, expected) => {
    expect(describeAudio(Buffer.alloc(bytes), mimeType)).toMatchObject({ bytes, ...expected })
    expect(describeAudio(Buffer.alloc(bytes).toString('base64'), mimeType)).toMatchObject({ bytes, ...expected })
  })

  test.each([
    ['audio/mpeg', 'mp3'],
    ['audio/ogg; codecs=opus', 'ogg'],
    ['audio/webm', 'webm'],
    ['audio/AAC', 'aac'],
    ['audio/flac', 'flac'],
    ['audio/amr', 'other'],
  ])('of %s only the size is known', (mimeType, format) => {
    expect(describeAudio(Buffer.alloc(100), mimeType, { analyse: true })).toEqual({ format, bytes: 100 })
  })

  test.each(['text/plain', '', 'audio', 'x'.repeat(1_000), '__proto__', 'constructor'])('%s is no audio', (mimeType) => {
    expect(describeAudio(Buffer.alloc(100), mimeType)).toBeUndefined()
  })

  test('no data is no audio', () => {
    expect(describeAudio('', 'audio/L16;rate=24000')).toBeUndefined()
    expect(hasSound(describeAudio('', 'audio/L16'))).toBe(false)
    expect(hasSound(describeAudio(wav({ samples: 0 }), 'audio/wav'))).toBe(false)
    expect(hasSound(describeAudio(Buffer.alloc(2), 'audio/L16'))).toBe(true)
  })
})

describe('base64', () => {
  const bytes = randomBytes(24_001)
  const lines = (length: number, end: string) => bytes.toString('base64').replaceAll(new RegExp(`.{${length}}`, 'g'), (line) => line + end)

  test.each<[string, string]>([
    ['without padding', bytes.toString('base64').replace(/=+$/, '')],
    ['url-safe', bytes.toString('base64url')],
    ['in lines of 76, as in MIME', lines(76, '\r\n')],
    ['in lines of 64, as in PEM, with a line break behind', `${lines(64, '\n')}\n`],
  ])('%s is as long and as loud as the bytes', (_, text) => {
    const options = { analyse: true, now: () => 0 }
    expect(describeAudio(text, 'audio/L16', options)).toEqual(describeAudio(bytes, 'audio/L16', options))
  })

  test('of a WAV file in lines', () => {
    const text = wav({ samples: 48_000 }).toString('base64').replaceAll(/.{76}/g, '$&\n')
    expect(describeAudio(text, 'audio/wav')).toMatchObject({ durationS: 1, bytes: 48_044 })
  })
})

describe('audio that comes in pieces', () => {
  test.each([1, 3, 7, 11, 12, 13, 43, 44, 45, 1_000, 20_000])('a WAV file in pieces of %d bytes measures like the whole', (size) => {
    const whole = wav({ samples: 9_600 })
    const meter = createAudioMeter('audio/wav')
    for (let at = 0; at < whole.length; at += size) meter.add(whole.subarray(at, at + size))
    // A header in more than 32 pieces is given up.
    expect(meter.facts()).toEqual(size === 1 ? { format: 'wav', bytes: 9_644 } : describeAudio(whole, 'audio/wav'))
  })

  test('base64 pieces of raw audio, each encoded for itself', () => {
    const meter = createAudioMeter('audio/L16;codec=pcm;rate=24000')
    for (const bytes of [1, 2, 3, 4_798, 4_796]) meter.add(Buffer.alloc(bytes).toString('base64'))
    expect(meter.facts()).toEqual({ format: 'pcm', bytes: 9_600, durationS: 0.2, sampleRateHz: 24_000, channels: 1 })
  })

  test('a streamed WAV header of unknown size, then raw samples', () => {
    const meter = createAudioMeter('audio/wav')
    meter.add(wav({ samples: 0, size: 0xffff_ffff }))
    meter.add(Buffer.alloc(48_000))
    expect(meter.facts()).toMatchObject({ durationS: 1, bytes: 48_044 })
  })

  test('several complete WAV files add up, and what follows the samples of one is not counted', () => {
    const meter = createAudioMeter('audio/wav')
    const file = riff(formatChunk({ samples: 0 }), dataChunk({ samples: 24_000 }))
    meter.add(file)
    meter.add(chunk('LIST', Buffer.alloc(10_000)))
    meter.add(file)
    expect(meter.facts()).toMatchObject({ durationS: 1 })
  })

  test('a first piece too short to tell what it is counts as samples', () => {
    const meter = createAudioMeter('audio/L16;rate=24000')
    meter.add(Buffer.alloc(6))
    expect(meter.facts()).toMatchObject({ bytes: 6, durationS: 0.000125 })
    meter.add(Buffer.alloc(6))
    expect(meter.facts()).toMatchObject({ bytes: 12, durationS: 0.00025 })
  })
})

test('ten minutes of speech are measured without decoding them', () => {
  const base64 = wav({ samples: 28_800_000 }).toString('base64')
  const before = process.memoryUsage().arrayBuffers
  expect(describeAudio(base64, 'audio/wav')).toMatchObject({ durationS: 600 })
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000)
})

test('random and damaged bytes never throw, and never play longer than they could', () => {
  const seeds = [
    wav({ samples: 500 }),
    wav({ samples: 500, extensible: true }),
    riff(dataChunk({ samples: 100 }), formatChunk({ samples: 0 })),
    randomBytes(600),
  ]
  for (let round = 0; round < 4_000; round++) {
    const bytes = Buffer.from(seeds[round % seeds.length]!)
    for (const at of randomBytes(4)) bytes[at % bytes.length] = at
    const facts = describeAudio(round % 2 ? bytes : bytes.toString('latin1'), round % 3 ? 'audio/wav' : 'audio/L16;rate=24000')
    expect(facts?.durationS ?? 0).toBeGreaterThanOrEqual(0)
    expect(facts?.durationS ?? 0).toBeLessThanOrEqual(bytes.length)
    const meter = createAudioMeter('audio/wav')
    const cut = 1 + (randomBytes(1)[0]! % 60)
    for (let at = 0; at < bytes.length; at += cut) meter.add(bytes.subarray(at, at + cut))
    expect(meter.facts()?.bytes).toBe(bytes.length)
  }
})

test('what is neither text nor bytes is ignored', () => {
  const meter = createAudioMeter('audio/wav')
  for (const piece of [undefined, null, 5, {}, []]) Reflect.apply(meter.add, meter, [piece])
  expect(meter.facts()).toBeUndefined()
  expect(Reflect.apply(describeAudio, undefined, ['AAAA', undefined])).toBeUndefined()
})
