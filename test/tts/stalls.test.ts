import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { addPlaybacks, createPlayback } from '../../src/tts/playback.ts'
import { type TtsCallFacts, ttsRequest } from '../../src/tts/request.ts'
import { startTelemetry } from './support.ts'
import { concat, pcm, RATE_HZ, silence, tone } from './waves.ts'

const TYPE = `audio/L16;codec=pcm;rate=${RATE_HZ}`
const seconds = (lengthS: number) => pcm(tone(lengthS, -12))

/** Plays pieces that arrive at the given times. */
function play(pieces: readonly (readonly [atS: number, piece: Buffer])[], type = TYPE, analyse = false) {
  const playback = createPlayback(type, { analyse })
  for (const [atS, piece] of pieces) playback.add(piece, atS * 1_000)
  return playback.facts()
}

describe('a stall is when the listener has played all that came, and waits', () => {
  test.each<[string, [number, number][], number, number]>([
    [
      'faster than it plays',
      [
        [0.5, 1],
        [0.6, 1],
        [0.7, 1],
      ],
      0,
      0,
    ],
    [
      'exactly in time',
      [
        [0.5, 1],
        [1.5, 1],
        [2.5, 1],
      ],
      0,
      0,
    ],
    [
      'what was put by covers a gap',
      [
        [0.5, 3],
        [3.4, 1],
      ],
      0,
      0,
    ],
    [
      'one late piece',
      [
        [0.5, 1],
        [2, 1],
        [3, 1],
      ],
      1,
      0.5,
    ],
    [
      'two late pieces',
      [
        [0, 1],
        [1.5, 1],
        [3, 1],
      ],
      2,
      1,
    ],
    [
      'a late piece shifts what follows, which is in time then',
      [
        [0, 1],
        [1.5, 1],
        [2.4, 1],
        [3.4, 1],
      ],
      1,
      0.5,
    ],
    [
      '15 s in the middle of a sentence',
      [
        [1, 2],
        [1.2, 2],
        [20, 4],
      ],
      1,
      15,
    ],
    [
      'a gap that nobody hears',
      [
        [0, 1],
        [1.015, 1],
      ],
      0,
      0,
    ],
    ['one piece', [[7, 60]], 0, 0],
  ])('%s', (_, pieces, stalls, stalledS) => {
    const facts = play(pieces.map(([atS, lengthS]) => [atS, seconds(lengthS)]))
    expect(facts).toEqual({ pieces: pieces.length, firstMs: pieces[0]![0] * 1_000, stalls, stalledS: expect.closeTo(stalledS, 6) })
  })

  test('a header that comes first is nothing to play, and a piece may end within a sample', () => {
    const samples = seconds(2)
    const header = Buffer.from('UklGRv////9XQVZFZm10IBAAAAABAAEAwF0AAIC7AAACABAAZGF0Yf////8=', 'base64')
    const facts = play(
      [
        [0, header],
        [3, samples.subarray(0, 48_001)],
        [5, samples.subarray(48_001)],
      ],
      'audio/wav',
    )
    expect(facts).toEqual({ pieces: 2, firstMs: 3_000, stalls: 1, stalledS: expect.closeTo(1, 3) })
  })

  test('nothing is said of a format that does not tell its duration, and of nothing', () => {
    expect(
      play(
        [
          [0, Buffer.alloc(5_000)],
          [9, Buffer.alloc(5_000)],
        ],
        'audio/mpeg',
      ),
    ).toBeUndefined()
    expect(play([])).toBeUndefined()
  })
})

describe('the first sound is when the listener comes to it', () => {
  const quiet = (lengthS: number) => pcm(silence(lengthS))
  test.each<[string, [number, Buffer][], number | undefined]>([
    ['at once', [[2, seconds(1)]], 2],
    ['behind the silence of one piece', [[2, pcm(concat(silence(0.5), tone(1, -12)))]], 2.5],
    [
      'behind a silent piece that came much earlier',
      [
        [2, quiet(0.5)],
        [9, seconds(1)],
      ],
      9,
    ],
    [
      'behind silent pieces that came all at once',
      [
        [2, quiet(0.5)],
        [2, quiet(0.5)],
        [2.1, seconds(1)],
      ],
      3,
    ],
    [
      'in the middle of a later piece',
      [
        [2, quiet(1)],
        [2.5, pcm(concat(silence(0.25), tone(1, -12)))],
      ],
      3.25,
    ],
    ['never', [[2, quiet(3)]], undefined],
  ])('%s', (_, pieces, audibleS) => {
    const ms = play(pieces, TYPE, true)?.firstAudibleMs
    expect(ms === undefined ? undefined : ms / 1_000).toEqual(audibleS === undefined ? undefined : expect.closeTo(audibleS, 3))
  })

  test('of several calls it is that of the first', () => {
    const [first, second] = [
      play(
        [
          [2, seconds(1)],
          [4, seconds(1)],
        ],
        TYPE,
        true,
      ),
      play([[7, seconds(1)]], TYPE, true),
    ]
    expect(addPlaybacks(first, second)).toEqual({ pieces: 3, firstMs: 2_000, stalls: 1, stalledS: 1, firstAudibleMs: 2_000 })
    expect(addPlaybacks(undefined, second)).toBe(second)
    expect(addPlaybacks(play([[2, pcm(silence(1))]], TYPE, true), second)?.firstAudibleMs).toBe(7_000)
  })
})

describe('tts_request', () => {
  let telemetry: ReturnType<typeof startTelemetry>
  beforeEach(() => {
    telemetry = startTelemetry()
  })
  afterEach(() => telemetry.stop())
  const attributes = () => telemetry.spans().at(-1)!.attributes
  const stalled = async () => (await telemetry.points('tts.stream.stalled'))[0]?.value

  test('says how often and how long a listener to what the app streamed waited', async () => {
    await ttsRequest({ text: 'x' }, async (tts) => {
      for (let i = 0; i < 4; i++) {
        if (i > 0) await sleep(150)
        tts.audio(seconds(0.05).toString('base64'), TYPE)
      }
    })
    expect(attributes()).toMatchObject({ 'tts.audio.chunks': 4, 'tts.stream.stalls': 3, 'tts.audio.duration': 0.2 })
    const waitedS = attributes()['tts.stream.stalled']
    expect(waitedS).toBeGreaterThan(0.25)
    expect(attributes()).not.toHaveProperty('tts.time_to_first_audible')
    expect(await stalled()).toMatchObject({ count: 1, sum: expect.closeTo(Number(waitedS), 5) })
  })

  test('counts streams without a stall as such', async () => {
    await ttsRequest({ text: 'x' }, (tts) => {
      for (let i = 0; i < 3; i++) tts.audio(seconds(60), TYPE)
    })
    expect(attributes()).toMatchObject({ 'tts.audio.chunks': 3, 'tts.stream.stalls': 0, 'tts.stream.stalled': 0 })
    expect(await stalled()).toMatchObject({ count: 1, sum: 0, buckets: { counts: expect.arrayContaining([1]) } })
  })

  test('adds up what calls of the provider saw, each by itself, and says nothing of audio in one piece', async () => {
    const call = (pieces: number, stalls: number, stalledS: number): TtsCallFacts => ({
      outcome: 'ok',
      audio: { format: 'pcm', bytes: 48_000, durationS: 1 },
      playback: { pieces, firstMs: performance.now(), stalls, stalledS },
    })
    await ttsRequest({ text: 'x' }, (tts) => {
      tts.onCall({ ...call(9, 5, 7), outcome: 'truncated' })
      tts.onCall(call(3, 1, 0.25))
      tts.onCall(call(4, 2, 0.5))
    })
    expect(attributes()).toMatchObject({ 'tts.audio.chunks': 7, 'tts.stream.stalls': 3, 'tts.stream.stalled': 0.75 })
    await ttsRequest({ text: 'x' }, (tts) => tts.onCall(call(1, 0, 0)))
    expect(attributes()['tts.audio.chunks']).toBe(1)
    expect(attributes()).not.toHaveProperty('tts.stream.stalls')
    expect(attributes()).not.toHaveProperty('tts.stream.stalled')
  })
})
