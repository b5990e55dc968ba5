import type { Price } from './prices.ts'
import { PRICES } from './prices.ts'

/** What a call used, as the provider counted it. */
export type Usage = {
  /** With or without `models/` and the like in front. */
  readonly model: string
  readonly inputTokens: number
  readonly audioTokens: number
  /** When; prices change. */
  readonly at: Date
}

const TOKENS_PER_PRICE = 1_000_000
/** Sums of small fractions end in noise; a billionth of a dollar is less than any token costs. */
const USD_DIGITS = 9

/** What the provider will bill for `usage` by its list price; undefined when the model has none at that time. Discounts, free tiers and taxes are not known here. */
export function estimateCost(usage: Usage, prices: readonly Price[] = PRICES): { readonly usd: number } | undefined {
  const price = findPrice(usage, prices)
  if (!price || !isCount(usage.inputTokens) || !isCount(usage.audioTokens)) return undefined
  const usd = (usage.inputTokens * price.inputUsd + usage.audioTokens * price.audioUsd) / TOKENS_PER_PRICE
  return { usd: Number(usd.toFixed(USD_DIGITS)) }
}

/** The row with the latest start that is not after `at`. */
function findPrice({ model, at }: Usage, prices: readonly Price[]): Price | undefined {
  const name = model.slice(model.lastIndexOf('/') + 1)
  const rows = prices.filter((price) => price.model === name && Date.parse(price.from) <= at.getTime())
  return rows.sort((a, b) => Date.parse(b.from) - Date.parse(a.from))[0]
}

function isCount(tokens: number): boolean {
  return Number.isFinite(tokens) && tokens >= 0
}
