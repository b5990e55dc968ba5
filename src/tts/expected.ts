import { SPEECH_RATES, type SpeechRate } from './speech-rates.ts'

/** Between these it is speech that could be that text; outside something is wrong. */
export type DurationRange = { readonly minS: number; readonly maxS: number }

/** What is to be spoken, counted. */
export type SpokenText = {
  /** Code points that take time to say. */
  readonly characters: number
  /** How many of them stand for a syllable or a word: Chinese, Japanese, Korean. */
  readonly dense: number
}

/** Shorter texts vary too much: "OK." against "2026". */
const CHARACTERS_MIN = 40
/** Above the mean of readers: four standard deviations, and then a speech model that was told to hurry. */
const FASTEST = 1.6
/** Below it: slow reading, long numbers ("2026" is five words), and style tags that make pauses. */
const SLOWEST = 0.15
const PAUSES_S = 10
/** Longer texts than any model takes; what comes after is counted at the same share. */
const COUNTED_CHARACTERS_MAX = 50_000

/**
 * How long speech of so many characters takes, from the slowest to the fastest that is plausible: the range is wide, so that what
 * lies outside is worth an alarm. Undefined for texts too short to say. `language` is BCP 47; an unknown one gives the widest range.
 */
export function expectedDuration(text: { readonly characters: number; readonly language?: string | undefined }): DurationRange | undefined {
  return rangeOf(text.characters, rateOf(text.language))
}

/** The same from what is known of the text: a language that does not fit its letters is not believed. */
export function expectedDurationOf({ characters, dense }: SpokenText, language: string | undefined): DurationRange | undefined {
  const rate = rateOf(language)
  const isDense = dense > characters * DENSE_SHARE_MIN
  return rangeOf(characters, rate?.isDense && !isDense ? undefined : rate)
}

/** With more Latin letters between them, names and numbers decide how long it takes. */
const DENSE_SHARE_MIN = 0.7

function rangeOf(characters: number, rate: SpeechRate | undefined): DurationRange | undefined {
  if (!Number.isFinite(characters) || characters < CHARACTERS_MIN) return undefined
  const rates = rate ? [rate] : SPEECH_RATES
  const fastest = Math.max(...rates.map(({ charactersPerS }) => charactersPerS)) * FASTEST
  const slowest = Math.min(...rates.map(({ charactersPerS }) => charactersPerS)) * SLOWEST
  return { minS: characters / fastest, maxS: characters / slowest + PAUSES_S }
}

function rateOf(language: string | undefined): SpeechRate | undefined {
  const name = language?.toLowerCase().split(/[-_]/)[0]
  return name === undefined ? undefined : SPEECH_RATES.find(({ languages }) => languages.includes(name))
}

/** Style and speech tags of Gemini and SSML: `<sigh>`, `[whispers]`, `<break time="2s"/>`. */
const TAG = /<[^<>]{1,200}>|\[[^[\]]{1,60}\]/g

/** Counts letters, digits and marks, and one for each space between them; tags, punctuation and emoji take no time of their own. */
export function countSpoken(text: string): SpokenText {
  let characters = 0
  let dense = 0
  let isBetween = false
  for (const character of text.slice(0, COUNTED_CHARACTERS_MAX).replace(TAG, ' ')) {
    const code = character.codePointAt(0) ?? 0
    const isSpoken = isLetter(code)
    if (isSpoken || !isBetween) characters++
    if (isSpoken && isDenseLetter(code)) dense++
    isBetween = !isSpoken
  }
  const scale = Math.max(1, text.length / COUNTED_CHARACTERS_MAX)
  return { characters: Math.round(characters * scale), dense: Math.round(dense * scale) }
}

function isLetter(code: number): boolean {
  if (code < 0x80) return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122)
  return !NO_LETTERS.some(([from, to]) => code >= from && code <= to)
}

function isDenseLetter(code: number): boolean {
  return DENSE_LETTERS.some(([from, to]) => code >= from && code <= to)
}

/** Latin-1 signs, punctuation, arrows, box drawing, CJK punctuation, full-width signs, emoji, variation selectors. */
const NO_LETTERS = [
  [0x80, 0xa9],
  [0xab, 0xb4],
  [0xb6, 0xb9],
  [0xbb, 0xbf],
  [0x2000, 0x206f],
  [0x2190, 0x2bff],
  [0x3000, 0x3004],
  [0x3008, 0x303f],
  [0xfe00, 0xfe0f],
  [0xff01, 0xff0f],
  [0x1_f000, 0x1_faff],
] as const

/** Kana, ideographs, Hangul. */
const DENSE_LETTERS = [
  [0x3040, 0x30ff],
  [0x3400, 0x9fff],
  [0xac00, 0xd7a3],
  [0x2_0000, 0x3_ffff],
] as const
