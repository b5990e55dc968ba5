/** How fast a language is read aloud, and who measured it. */
export type SpeechRate = {
  /** ISO 639. */
  readonly languages: readonly string[]
  /** Unicode code points of text a second, the space between two words included. */
  readonly charactersPerS: number
  /** A character stands for a syllable or a word: Chinese, Japanese, Korean. */
  readonly isDense?: true
  readonly source: string
}

/**
 * Trauzettel-Klosinski and Dietz, "Standardized Assessment of Reading Performance: The New International Reading Speed Texts IReST",
 * Invest. Ophthalmol. Vis. Sci. 53 (2012), 5452-5461: adults reading aloud, characters without spaces and words a minute, added
 * here. Standard deviation about 14 %. They read faster than speech models do: English 20 characters a second against about 15.
 */
const IREST = 'IReST 2012'
/**
 * Pellegrino, Coupé and Marsico, "Across-language perspective on speech information rate", Language 87 (2011), 539-558: syllables
 * a second without pauses, times the characters of a syllable and its share of a space.
 */
const PELLEGRINO = 'Pellegrino et al. 2011'
/** Gleni et al., "… the New Greek Standardized Reading Speed Texts (IReST)", Optom. Vis. Sci. 96 (2019). */
const GREEK_IREST = 'IReST Greek 2019'
const ESTIMATE = 'Estimate: 7 syllables a second, as fast as Spanish and Japanese in Pellegrino et al. 2011'

/** One row for each language that is known. A language without a row is read as the fastest of them. */
export const SPEECH_RATES: readonly SpeechRate[] = [
  // Vowel marks, which texts for speech often have, nearly double the code points of these two.
  { languages: ['ar'], charactersPerS: 24, source: `${IREST}: 12.5, with vowel marks 24` },
  { languages: ['he', 'iw'], charactersPerS: 27, source: `${IREST}: 17, with vowel marks 27` },
  { languages: ['de'], charactersPerS: 18.3, source: IREST },
  { languages: ['el'], charactersPerS: 21, source: GREEK_IREST },
  { languages: ['en'], charactersPerS: 20.3, source: IREST },
  { languages: ['es'], charactersPerS: 20.7, source: IREST },
  { languages: ['fi'], charactersPerS: 20.7, source: IREST },
  { languages: ['fr'], charactersPerS: 19.9, source: IREST },
  { languages: ['it'], charactersPerS: 19, source: IREST },
  { languages: ['nl'], charactersPerS: 19.7, source: IREST },
  { languages: ['pl'], charactersPerS: 18, source: IREST },
  { languages: ['pt'], charactersPerS: 19.4, source: `${IREST}: 18.2 in Brazil; Macedo 2013: 19.4 in Portugal` },
  { languages: ['ru'], charactersPerS: 19.5, source: IREST },
  { languages: ['sl'], charactersPerS: 17.8, source: IREST },
  { languages: ['sv'], charactersPerS: 18.6, source: IREST },
  { languages: ['tr'], charactersPerS: 20.3, source: IREST },
  { languages: ['vi'], charactersPerS: 23.5, source: `${PELLEGRINO}: 5.2 syllables of 4.5 characters` },
  { languages: ['hi', 'mr', 'ne'], charactersPerS: 19, source: `${ESTIMATE}, 2.7 characters each` },
  { languages: ['id', 'ms'], charactersPerS: 21, source: `${ESTIMATE}, 3 characters each` },
  { languages: ['th'], charactersPerS: 24.5, source: `${ESTIMATE}, 3.5 characters each` },
  {
    languages: ['zh', 'cmn', 'yue'],
    charactersPerS: 5.8,
    isDense: true,
    source: `${PELLEGRINO}: 5.2 syllables; punctuation added. IReST: 4.3`,
  },
  {
    languages: ['ja'],
    charactersPerS: 8.6,
    isDense: true,
    source: `${PELLEGRINO}: 7.8 syllables, all in kana; punctuation added. IReST: 6`,
  },
  { languages: ['ko'], charactersPerS: 9.3, isDense: true, source: `${ESTIMATE}, a third of a space each` },
]
