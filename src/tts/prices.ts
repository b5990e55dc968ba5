/**
 * What a model costs from a day on, and where that was seen. Prices are in US dollars; a quantity without a price in the row is not
 * billed. Each row has at least one price.
 */
export type Price = {
  readonly model: string
  /** First day (UTC) on which it holds, until a later row of the same model and tier. */
  readonly from: string
  /** As Gemini calls it; the standard one where it is left out. */
  readonly tier?: ServiceTier | undefined
  /** A million tokens of input. */
  readonly inputUsd?: number | undefined
  /** A million tokens of audio output. */
  readonly audioUsd?: number | undefined
  /** A million characters of the text; other providers bill so. */
  readonly characterUsd?: number | undefined
  /** One second of audio. */
  readonly audioSecondUsd?: number | undefined
  /** Where it was seen, and when. */
  readonly source: string
}

/** How soon the provider answers, and for how much. The free tier is not told apart by any answer, so that its calls are estimated like paid ones. */
export type ServiceTier = (typeof SERVICE_TIERS)[number]

export const SERVICE_TIERS = ['standard', 'batch', 'flex', 'priority'] as const

const LITELLM = 'LiteLLM price list, seen 2026-11-20'
const GOOGLE = 'Google price page as quoted by third parties, seen 2026-11-20'
const OPENROUTER = 'OpenRouter price list, seen 2026-11-20'
const TRUEFOUNDRY = 'TrueFoundry model list, which quotes the Google price page, seen 2026-11-22'

/** Prices of Gemini's speech models, paid. What nobody could confirm has no row (the batch price of 3.8, flex and priority): its cost is unknown, never nothing. */
export const PRICES: readonly Price[] = [
  { model: 'gemini-3.8-flash-tts', from: '2026-09-22', inputUsd: 0.5, audioUsd: 9, source: LITELLM },
  { model: 'gemini-3.8-flash-tts', from: '2027-01-01', inputUsd: 1, audioUsd: 18, source: LITELLM },
  { model: 'gemini-3.8-flash-lite-tts', from: '2026-09-22', inputUsd: 0.5, audioUsd: 6, source: LITELLM },
  { model: 'gemini-3.8-flash-lite-tts', from: '2027-01-01', inputUsd: 1, audioUsd: 12, source: LITELLM },
  { model: 'gemini-3.1-flash-tts-preview', from: '2026-06-17', inputUsd: 1, audioUsd: 20, source: GOOGLE },
  { model: 'gemini-3.1-flash-tts-preview', from: '2026-06-17', tier: 'batch', inputUsd: 0.5, audioUsd: 10, source: GOOGLE },
  { model: 'gemini-2.5-pro-preview-tts', from: '2026-06-17', inputUsd: 1, audioUsd: 20, source: OPENROUTER },
  { model: 'gemini-2.5-pro-preview-tts', from: '2026-06-17', tier: 'batch', inputUsd: 0.5, audioUsd: 10, source: TRUEFOUNDRY },
  { model: 'gemini-2.5-flash-preview-tts', from: '2026-06-17', inputUsd: 0.5, audioUsd: 10, source: TRUEFOUNDRY },
  { model: 'gemini-2.5-flash-preview-tts', from: '2026-06-17', tier: 'batch', inputUsd: 0.25, audioUsd: 5, source: TRUEFOUNDRY },
]
