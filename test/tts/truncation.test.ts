import { describe, expect, test } from 'vitest'
import type { AudioFacts } from '../../src/tts/audio.ts'
import { describeAudio } from '../../src/tts/audio.ts'
import { addFacts } from '../../src/tts/audio-sum.ts'
import { countSpoken, expectedDuration } from '../../src/tts/expected.ts'
import { SPEECH_RATES } from '../../src/tts/speech-rates.ts'
import { suspectTruncation } from '../../src/tts/truncation.ts'
import { concat, pcm, RATE_HZ, silence, tone, type Wave } from './waves.ts'

const seconds = (durationS: number): AudioFacts => ({ format: 'wav', bytes: durationS * 48_000, durationS })
const ENGLISH =
  'The quick brown fox jumps over the lazy dog, and the dog, which was not asleep at all, looks up and wonders what the hurry is about. '

describe('billed tokens against what came, 25 a second', () => {
  test.each([
    [60, 1_500, undefined],
    [59.5, 1_500, undefined],
    [54.1, 1_500, undefined],
    [53, 1_500, 'tokens'],
    [20, 4_925, 'tokens'],
    [0.5, 25, undefined],
    [3, 100, undefined],
    [2.9, 100, 'tokens'],
    [70, 1_500, undefined],
  ])('%d s for %d tokens: %s', (durationS, audioTokens, reason) => {
    expect(suspectTruncation({ audio: seconds(durationS), audioTokens })).toBe(reason)
  })
})

describe('the header of a WAV file against what came', () => {
  const file = Buffer.alloc(44 + 96_000)
  file.write('RIFF', 0)
  file.write('WAVEfmt ', 8)
  file.writeUInt32LE(16, 16)
  file.writeUInt16LE(1, 20)
  file.writeUInt16LE(1, 22)
  file.writeUInt32LE(24_000, 24)
  file.writeUInt16LE(16, 34)
  file.write('data', 36)
  const promising = (bytes: number, length = file.length) => {
    file.writeUInt32LE(bytes, 40)
    return describeAudio(file.subarray(0, length), 'audio/wav')
  }

  test.each<[string, AudioFacts | undefined, string | undefined]>([
    ['whole', promising(96_000), undefined],
    ['cut in half', promising(96_000, 48_044), 'header'],
    ['of unknown size 0', promising(0), undefined],
    ['of unknown size 0xFFFFFFFF', promising(0xffff_ffff), undefined],
    ['of the 0x7FFFFFFF that some encoders write', promising(0x7fff_ffff), undefined],
    ['of the 0xFFFFFFDB that others write', promising(0xffff_ffdb), undefined],
    ['whose encoder counted the header', promising(96_044), undefined],
  ])('%s', (_, audio, reason) => {
    expect(audio?.durationS).toBeGreaterThan(0)
    expect(suspectTruncation({ audio })).toBe(reason)
  })

  test('says how much is missing', () => {
    expect(promising(96_000, 44 + 72_000)).toMatchObject({ durationS: 1.5, missingS: 0.5 })
  })
})

describe('the text against what came', () => {
  const text = ENGLISH.repeat(8)

  test('English at the pace of a speech model, of a fast reader and of a slow one is no alarm; a third of it is', () => {
    const { characters } = countSpoken(text)
    const spokenIn = (charactersPerS: number) => suspectTruncation({ audio: seconds(characters / charactersPerS), text, language: 'en-US' })
    expect([6, 15, 20, 25].map(spokenIn)).toEqual([undefined, undefined, undefined, undefined])
    expect(spokenIn(45)).toBe('text')
    expect(suspectTruncation({ audio: seconds(characters / 45), text, language: 'xx' }), 'the widest range').toBe('text')
    expect(suspectTruncation({ audio: seconds(characters / 35), text }), 'no language').toBeUndefined()
  })

  test.each([
    ['Chinese', 'zh-CN', '今天天气很好，我们一起去公园散步，然后在湖边喝茶，晚上再回家吃饭。'.repeat(6), 4.5],
    ['Japanese', 'ja', '今日は天気がいいので、公園を散歩してから、湖のそばでお茶を飲みましょう。'.repeat(6), 7],
    ['Korean', 'ko-KR', '오늘은 날씨가 좋아서 공원을 산책하고 호숫가에서 차를 마시려고 합니다. '.repeat(6), 7],
    ['Vietnamese', 'vi', 'Hôm nay trời đẹp nên chúng tôi đi dạo trong công viên rồi uống trà bên hồ. '.repeat(6), 16],
    ['Arabic', 'ar', 'اليوم الطقس جميل لذلك سنتنزه في الحديقة ثم نشرب الشاي بجانب البحيرة. '.repeat(6), 12],
  ])('%s: its usual pace is no alarm, four times that is', (_, language, words, charactersPerS) => {
    const { characters } = countSpoken(words)
    expect(suspectTruncation({ audio: seconds(characters / charactersPerS), text: words, language })).toBeUndefined()
    expect(suspectTruncation({ audio: seconds(characters / charactersPerS / 4), text: words, language })).toBe('text')
  })

  test('English text that is said to be Japanese is judged as English', () => {
    const { characters } = countSpoken(text)
    expect(suspectTruncation({ audio: seconds(characters / 20), text, language: 'ja' })).toBeUndefined()
  })

  test('tags, punctuation and emoji take no time', () => {
    const tagged = '<break time="2s"/> [whispers] --------------- *** 🎉🎉🎉 Hello there. '.repeat(30)
    expect(countSpoken(tagged).characters).toBeLessThan(30 * 14)
    expect(suspectTruncation({ audio: seconds(25), text: tagged, language: 'en' })).toBeUndefined()
  })

  test('short texts vary too much to be judged', () => {
    expect(suspectTruncation({ audio: seconds(0.2), text: 'A few short words, no more.', language: 'en' })).toBeUndefined()
  })

  test('megabytes of text are counted by their beginning', () => {
    expect(countSpoken('ab '.repeat(1_000_000)).characters).toBeGreaterThan(2_900_000)
  })
})

test.each<[string, AudioFacts | undefined]>([
  ['nothing came', undefined],
  ['only a header came', seconds(0)],
  ['the format does not tell the duration', { format: 'mp3', bytes: 5_000 }],
])('no alarm where %s: that has names of its own', (_, audio) => {
  expect(suspectTruncation({ audio, audioTokens: 5_000, text: ENGLISH.repeat(8), language: 'en' })).toBeUndefined()
})

describe('expected duration', () => {
  test('of a thousand characters of English', () => {
    expect(expectedDuration({ characters: 1_000, language: 'en-GB' })).toEqual({
      minS: expect.closeTo(30.8, 1),
      maxS: expect.closeTo(338, 0),
    })
  })

  test('without a language is as wide as all of them together', () => {
    const all = SPEECH_RATES.flatMap(({ languages }) => languages).map((language) => expectedDuration({ characters: 1_000, language }))
    expect(expectedDuration({ characters: 1_000 })).toEqual({
      minS: Math.min(...all.map((range) => range?.minS ?? 0)),
      maxS: Math.max(...all.map((range) => range?.maxS ?? 0)),
    })
  })

  test.each([Number.NaN, 0, 39, Number.POSITIVE_INFINITY])('%d characters give none', (characters) => {
    expect(expectedDuration({ characters, language: 'en' })).toBeUndefined()
  })

  test('every rate says who measured it, and no language has two', () => {
    expect(SPEECH_RATES.every(({ source }) => source !== '')).toBe(true)
    const languages = SPEECH_RATES.flatMap((rate) => rate.languages)
    expect(new Set(languages).size).toBe(languages.length)
  })
})

describe('the chunks of one text, each from its own call', () => {
  const analysed = (wave: Wave) => {
    const facts = describeAudio(pcm(wave), `audio/L16;rate=${RATE_HZ}`, { analyse: true, now: () => 0 })
    if (!facts) throw new Error('no audio')
    return facts
  }
  const first = concat(silence(0.5), tone(1, -6), silence(0.25))
  const second = concat(silence(0.125), tone(2, -20), silence(0.75))

  test.each<[string, Wave, Wave]>([
    ['both heard', first, second],
    ['the first silent', silence(2), second],
    ['the second silent', first, silence(1)],
    ['both silent', silence(1), silence(2)],
  ])('sound like one piece: %s', (_, a, b) => {
    const whole = analysed(concat(a, b))
    const sum = addFacts(analysed(a), analysed(b))
    expect(sum).toMatchObject({ bytes: whole.bytes, durationS: whole.durationS, sampleRateHz: RATE_HZ })
    expect(sum.sound).toMatchObject({ isSilent: whole.sound?.isSilent, leadingSilenceS: whole.sound?.leadingSilenceS })
    expect(sum.sound?.trailingSilenceS).toBeCloseTo(whole.sound?.trailingSilenceS ?? -1, 6)
    expect(sum.sound?.rmsDbfs ?? 0).toBeCloseTo(whole.sound?.rmsDbfs ?? 0, 1)
    expect(sum.sound?.peakDbfs ?? 0).toBeCloseTo(whole.sound?.peakDbfs ?? 0, 1)
  })

  test('what one of them does not tell is not known of both', () => {
    const sum = addFacts(analysed(first), { format: 'pcm', bytes: 100 })
    expect(sum).toEqual({ format: 'pcm', bytes: first.length * 2 + 100, sampleRateHz: RATE_HZ, channels: 1 })
  })
})
