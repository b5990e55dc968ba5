import { readFileSync } from 'node:fs'
import { diag } from '@opentelemetry/api'
import { processConfig } from '../config.ts'
import { type ParsedPrices, parsePrices } from './price-rows.ts'
import { PRICES, type Price } from './prices.ts'

/** Prices by precedence: a later table is asked only where an earlier one has none. */
export type PriceTables = readonly (readonly Price[])[]

export type PriceFileOptions = {
  /** Of a JSON file; undefined: only the built-in prices. */
  readonly path: string | undefined
  readonly warn: (message: string) => void
}

/** More would bury the first, which is often the cause of the others. */
const PROBLEMS_SHOWN_MAX = 20

/** The price tables of this process (`TTS_OTEL_PRICES`), read at the first cost. */
export const processPrices: () => PriceTables = createProcessPrices()

/** The prices of the file, then the built-in ones. A file with anything wrong in it is not used, and all that is wrong is told in one message. Never throws. */
export function loadPrices({ path, warn }: PriceFileOptions): PriceTables {
  if (path === undefined) return [PRICES]
  const { prices, problems } = readPrices(path)
  if (problems.length === 0) return [prices, PRICES]
  const shown = problems.slice(0, PROBLEMS_SHOWN_MAX)
  if (problems.length > shown.length) shown.push(`and ${problems.length - shown.length} more`)
  warn(`tts-otel: TTS_OTEL_PRICES=${path} is not used and the built-in prices hold, because ${shown.join('; ')}.`)
  return [PRICES]
}

function readPrices(path: string): ParsedPrices {
  try {
    return parsePrices(readFileSync(path, 'utf8'), path)
  } catch (error) {
    return { prices: [], problems: [`it cannot be read (${error instanceof Error ? error.message : error})`] }
  }
}

function createProcessPrices(): () => PriceTables {
  let tables: PriceTables | undefined
  return () => {
    tables ??= loadPrices({ path: processConfig().config.speech.pricesPath, warn: (message) => diag.warn(message) })
    return tables
  }
}
