import { type Price, SERVICE_TIERS, type ServiceTier } from './prices.ts'

/** The rows of a file, or everything that is wrong with it: row, field, value, what is allowed. */
export type ParsedPrices = { readonly prices: readonly Price[]; readonly problems: readonly string[] }

/** Ten thousand rows have about 1 MB. */
const ROWS_MAX = 10_000
/** A thousand times what the dearest model costs: more is a mistake in the unit. */
const USD_MAX = 100_000
const TEXT_CHARACTERS_MAX = 200
/** Rows without a day hold from here on. */
const ALWAYS = '1970-01-01'

const PRICE_FIELDS = ['inputUsd', 'audioUsd', 'characterUsd', 'audioSecondUsd'] as const
type Field = { readonly read: (value: unknown) => unknown; readonly expects: string }

const text: Field = { read: readText, expects: `a text of 1 to ${TEXT_CHARACTERS_MAX} characters` }
const usd: Field = { read: readUsd, expects: `a number from 0 to ${USD_MAX}` }
const FIELDS = new Map<string, Field>([
  ['model', text],
  ['from', { read: readDay, expects: 'a day like 2026-11-22' }],
  ['tier', { read: readTier, expects: `one of ${SERVICE_TIERS.join(', ')}` }],
  ...PRICE_FIELDS.map((name) => [name, usd] as const),
  ['source', text],
])

/**
 * Reads a JSON list of rows shaped like {@link Price}, of which `from` and `source` may be left out. One wrong row spoils the file: half
 * of a price list would be believed. Rows are counted from 1. Never throws.
 */
export function parsePrices(json: string, path: string): ParsedPrices {
  const problems: string[] = []
  const rows = parseRows(json, problems)
  rows.forEach((row, index) => {
    checkRow(row, (problem) => problems.push(`row ${index + 1}${problem}`))
  })
  if (problems.length > 0) return { prices: [], problems }
  const prices = rows.filter(isRecord).map((row) => toPrice(row, path))
  const doubles = findDoubles(prices)
  return doubles.length === 0 ? { prices, problems: [] } : { prices: [], problems: doubles }
}

function parseRows(json: string, problems: string[]): readonly unknown[] {
  let rows: unknown
  try {
    rows = JSON.parse(json)
  } catch (error) {
    problems.push(`it is not JSON (${error instanceof Error ? error.message : error})`)
    return []
  }
  if (Array.isArray(rows) && rows.length <= ROWS_MAX) return rows
  problems.push(Array.isArray(rows) ? `it has ${rows.length} rows, and at most ${ROWS_MAX} are read` : 'it is not a list of rows')
  return []
}

/** `tell` gets what follows the number of the row. */
function checkRow(row: unknown, tell: (problem: string) => void): void {
  if (!isRecord(row)) {
    tell(` is not an object but ${show(row)}`)
    return
  }
  if (row.model === undefined) tell(' has no model')
  if (PRICE_FIELDS.every((name) => row[name] === undefined)) tell(` has none of ${PRICE_FIELDS.join(', ')}`)
  for (const [name, value] of Object.entries(row)) {
    const field = FIELDS.get(name)
    if (!field) tell(`, ${show(name)}: there is no such field, only ${[...FIELDS.keys()].join(', ')}`)
    else if (field.read(value) === undefined) tell(`, ${name}: ${show(value)} is not ${field.expects}`)
  }
}

function toPrice(row: Readonly<Record<string, unknown>>, path: string): Price {
  return {
    model: readText(row.model) ?? '',
    from: readDay(row.from) ?? ALWAYS,
    tier: readTier(row.tier),
    inputUsd: readUsd(row.inputUsd),
    audioUsd: readUsd(row.audioUsd),
    characterUsd: readUsd(row.characterUsd),
    audioSecondUsd: readUsd(row.audioSecondUsd),
    source: readText(row.source) ?? path,
  }
}

function findDoubles(prices: readonly Price[]): string[] {
  const rows = new Map<string, number>()
  return prices.flatMap(({ model, from, tier = 'standard' }, index) => {
    const key = JSON.stringify([model, tier, from])
    const first = rows.get(key)
    if (first === undefined) rows.set(key, index)
    return first === undefined ? [] : [`row ${index + 1}: row ${first + 1} has the same model, tier and day`]
  })
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function readText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= TEXT_CHARACTERS_MAX ? value : undefined
}

function readUsd(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 && value <= USD_MAX ? value : undefined
}

function readTier(value: unknown): ServiceTier | undefined {
  return SERVICE_TIERS.find((tier) => tier === value)
}

/** JavaScript alone would take 2026-02-31 for a day of March. */
function readDay(value: unknown): string | undefined {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(value)) return undefined
  const time = Date.parse(value)
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(value) ? value : undefined
}

const SHOWN_CHARACTERS_MAX = 40

function show(value: unknown): string {
  const json = JSON.stringify(value)
  return json.length > SHOWN_CHARACTERS_MAX ? `${json.slice(0, SHOWN_CHARACTERS_MAX)}…` : json
}
