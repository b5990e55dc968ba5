/** A list price, in US dollars for a million tokens, and where it was seen. */
export type Price = {
  readonly model: string
  /** First day (UTC) on which it holds, until a later row of the same model. */
  readonly from: string
  readonly inputUsd: number
  readonly audioUsd: number
  readonly source: string
}

const LITELLM = 'LiteLLM price list, seen 2026-11-20'
const GOOGLE = 'Google price page as quoted by third parties, seen 2026-11-20'
const OPENROUTER = 'OpenRouter price list, seen 2026-11-20'

/** Prices of Gemini's speech models in the paid tier, not batch. A model whose price nobody could confirm has no row: its cost is unknown, never nothing. */
export const PRICES: readonly Price[] = [
  { model: 'gemini-3.8-flash-tts', from: '2026-09-22', inputUsd: 0.5, audioUsd: 9, source: LITELLM },
  { model: 'gemini-3.8-flash-tts', from: '2027-01-01', inputUsd: 1, audioUsd: 18, source: LITELLM },
  { model: 'gemini-3.8-flash-lite-tts', from: '2026-09-22', inputUsd: 0.5, audioUsd: 6, source: LITELLM },
  { model: 'gemini-3.8-flash-lite-tts', from: '2027-01-01', inputUsd: 1, audioUsd: 12, source: LITELLM },
  { model: 'gemini-3.1-flash-tts-preview', from: '2026-06-17', inputUsd: 1, audioUsd: 20, source: GOOGLE },
  { model: 'gemini-2.5-pro-preview-tts', from: '2026-06-17', inputUsd: 1, audioUsd: 20, source: OPENROUTER },
]
