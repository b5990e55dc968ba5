import { type PriceTables, processPrices } from './price-file.ts'
import type { Price } from './prices.ts'

/** What a call used, as the provider counted it. What a price needs and is left out makes the cost unknown. */
export type Usage = {
  /** With or without `models/` and the like in front. */
  readonly model: string
  readonly inputTokens?: number | undefined
  readonly audioTokens?: number | undefined
  readonly characters?: number | undefined
  readonly audioS?: number | undefined
  /** As the answer says it (`usageMetadata.serviceTier`); unset and `unspecified` are standard. */
  readonly tier?: string | undefined
  /** When; prices change. */
  readonly at: Date
}

/** What the provider will bill, or why that is not known. */
export type CostEstimate =
  | { readonly usd: number; readonly unknown?: undefined }
  | { readonly usd?: undefined; readonly unknown: UnknownCost }

/**
 * Low-cardinality, for counting:
 * - `model`: no price for it at all
 * - `tier`: none for this service tier
 * - `date`: none that early
 * - `usage`: what it is billed by was not counted
 */
export type UnknownCost = 'model' | 'tier' | 'date' | 'usage'

const PER_MILLION = 1_000_000
/** Sums of small fractions end in noise; a billionth of a dollar is less than any token costs. */
const USD_DIGITS = 9

/** What the provider will bill for `usage` by its list price. Discounts, free tiers and taxes are not known here. Never throws. */
export function estimateCost(usage: Usage, tables: PriceTables = processPrices()): CostEstimate {
  const found = findPrice(usage, tables)
  return typeof found === 'string' ? { unknown: found } : costBy(found, usage)
}

function findPrice(usage: Usage, tables: PriceTables): Price | UnknownCost {
  const name = usage.model.slice(usage.model.lastIndexOf('/') + 1)
  const ofModel = tables.map((prices) => prices.filter(({ model }) => model === name))
  const tier = tierOf(usage)
  const ofTier = ofModel.map((prices) => prices.filter((price) => (price.tier ?? 'standard') === tier))
  for (const prices of ofTier) {
    const price = latest(prices, usage.at.getTime())
    if (price) return price
  }
  if (ofTier.some((prices) => prices.length > 0)) return 'date'
  return ofModel.some((prices) => prices.length > 0) ? 'tier' : 'model'
}

function tierOf({ tier }: Usage): string {
  const name = tier?.toLowerCase() ?? 'standard'
  return name === 'unspecified' || name === '' ? 'standard' : name
}

/** The row with the latest start that is not after `atMs`. */
function latest(prices: readonly Price[], atMs: number): Price | undefined {
  const begun = prices.filter(({ from }) => Date.parse(from) <= atMs)
  return begun.sort((a, b) => Date.parse(b.from) - Date.parse(a.from))[0]
}

function costBy(price: Price, usage: Usage): CostEstimate {
  const parts: readonly (readonly [number | undefined, number | undefined, number])[] = [
    [price.inputUsd, usage.inputTokens, PER_MILLION],
    [price.audioUsd, usage.audioTokens, PER_MILLION],
    [price.characterUsd, usage.characters, PER_MILLION],
    [price.audioSecondUsd, usage.audioS, 1],
  ]
  let usd = 0
  for (const [priceUsd, amount, per] of parts) {
    if (priceUsd === undefined) continue
    if (!isAmount(amount)) return { unknown: 'usage' }
    usd += (amount * priceUsd) / per
  }
  return { usd: Number(usd.toFixed(USD_DIGITS)) }
}

function isAmount(value: number | undefined): value is number {
  return value !== undefined && Number.isFinite(value) && value >= 0
}
