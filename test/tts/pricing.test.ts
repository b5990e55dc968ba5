import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { loadPrices } from '../../src/tts/price-file.ts'
import { PRICES } from '../../src/tts/prices.ts'
import { estimateCost, type Usage } from '../../src/tts/pricing.ts'
import { voiceLabel } from '../../src/tts/voices.ts'

const day = new Date('2026-11-22')
const minute = { inputTokens: 0, audioTokens: 1_500 }

test.each([
  ['gemini-3.8-flash-tts', '2026-11-22', 0.0135],
  ['gemini-3.8-flash-lite-tts', '2026-11-22', 0.009],
  ['gemini-3.1-flash-tts-preview', '2026-11-22', 0.03],
  ['gemini-2.5-flash-preview-tts', '2026-11-22', 0.015],
  ['gemini-3.8-flash-tts', '2026-12-31T23:59:59.999Z', 0.0135],
  ['gemini-3.8-flash-tts', '2027-01-01T00:00:00Z', 0.027],
  ['models/gemini-3.8-flash-lite-tts', '2030-06-01', 0.018],
  ['publishers/google/models/gemini-3.8-flash-lite-tts', '2030-06-01', 0.018],
])('a minute of %s on %s costs $%d', (model, at, usd) => {
  expect(estimateCost({ model, ...minute, at: new Date(at) })).toEqual({ usd })
})

test('input is billed too', () => {
  expect(estimateCost({ model: 'gemini-3.8-flash-tts', inputTokens: 1_000_000, audioTokens: 0, at: day })).toEqual({ usd: 0.5 })
})

test.each([
  [undefined, 0.03],
  ['standard', 0.03],
  ['unspecified', 0.03],
  ['STANDARD', 0.03],
  ['batch', 0.015],
])('the service tier %s has its own price', (tier, usd) => {
  expect(estimateCost({ model: 'gemini-3.1-flash-tts-preview', ...minute, tier, at: day })).toEqual({ usd })
})

describe('what is not known is unknown, never free, and says why', () => {
  test.each<[string, Usage, string]>([
    ['another model', { model: 'gemini-9-tts', ...minute, at: day }, 'model'],
    ['no model', { model: '', ...minute, at: day }, 'model'],
    ['a tier without a price', { model: 'gemini-3.8-flash-tts', ...minute, tier: 'priority', at: day }, 'tier'],
    ['a tier of the future', { model: 'gemini-3.8-flash-tts', ...minute, tier: 'turbo', at: day }, 'tier'],
    ['a day before the first price', { model: 'gemini-3.8-flash-tts', ...minute, at: new Date('2026-01-01') }, 'date'],
    ['no date', { model: 'gemini-3.8-flash-tts', ...minute, at: new Date('never') }, 'date'],
    ['tokens that were not counted', { model: 'gemini-3.8-flash-tts', inputTokens: 10, at: day }, 'usage'],
    ['tokens that are no number', { model: 'gemini-3.8-flash-tts', inputTokens: Number.NaN, audioTokens: 1, at: day }, 'usage'],
    ['negative tokens', { model: 'gemini-3.8-flash-tts', inputTokens: 1, audioTokens: -1, at: day }, 'usage'],
  ])('%s', (_, usage, unknown) => expect(estimateCost(usage)).toEqual({ unknown }))
})

test('every price says where it was seen, and no model has two for one day', () => {
  expect(PRICES.every(({ source, from }) => source !== '' && !Number.isNaN(Date.parse(from)))).toBe(true)
  const keys = PRICES.map(({ model, tier, from }) => `${model} ${tier} ${from}`)
  expect(new Set(keys).size).toBe(keys.length)
})

describe('TTS_OTEL_PRICES', () => {
  const directory = mkdtempSync(join(tmpdir(), 'prices-'))
  afterAll(() => rmSync(directory, { recursive: true }))

  function load(content: unknown) {
    const path = join(directory, 'prices.json')
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
    const warnings: string[] = []
    const tables = loadPrices({ path, warn: (message) => warnings.push(message) })
    return { warnings, cost: (usage: Omit<Usage, 'at'>, at = day) => estimateCost({ ...usage, at }, tables) }
  }

  test('its rows win over the built-in ones; other models keep theirs', () => {
    const { cost, warnings } = load([{ model: 'gemini-3.8-flash-tts', from: '2026-11-01', inputUsd: 0.1, audioUsd: 1 }])
    expect(cost({ model: 'models/gemini-3.8-flash-tts', ...minute })).toEqual({ usd: 0.0015 })
    expect(cost({ model: 'gemini-3.8-flash-tts', ...minute }, new Date('2026-10-01')), 'before its first day').toEqual({ usd: 0.0135 })
    expect(cost({ model: 'gemini-3.8-flash-lite-tts', ...minute })).toEqual({ usd: 0.009 })
    expect(warnings).toEqual([])
  })

  test('a model of your own, billed by characters and seconds, from any day on', () => {
    const { cost } = load([{ model: 'in-house', characterUsd: 15, audioSecondUsd: 0.001, source: 'contract' }])
    expect(cost({ model: 'in-house', characters: 1_000, audioS: 60 })).toEqual({ usd: 0.075 })
    expect(cost({ model: 'in-house', characters: 1_000 })).toEqual({ unknown: 'usage' })
  })

  test('everything that is wrong is told in one message, with row, field and value; the built-in prices hold', () => {
    const { cost, warnings } = load([
      { model: 'gemini-3.8-flash-tts', audioUsd: 1 },
      { from: '2026-02-31', inputUsd: -1, audioUSD: 3 },
      { model: 'x', tier: 'free', audioUsd: '9' },
      { model: 'x', source: 'a friend' },
      'x: 9',
    ])
    expect(warnings).toHaveLength(1)
    for (const part of [
      'TTS_OTEL_PRICES=',
      'the built-in prices hold',
      'row 2 has no model',
      'row 2, from: "2026-02-31" is not a day like 2026-11-22',
      'row 2, inputUsd: -1 is not a number from 0 to 100000',
      'row 2, "audioUSD": there is no such field, only model, from, tier, inputUsd',
      'row 3, tier: "free" is not one of standard, batch, flex, priority',
      'row 3, audioUsd: "9" is not a number',
      'row 4 has none of inputUsd',
      'row 5 is not an object but "x: 9"',
    ])
      expect(warnings[0]).toContain(part)
    expect(cost({ model: 'gemini-3.8-flash-tts', ...minute }), 'not one row of it is used').toEqual({ usd: 0.0135 })
  })

  test.each([
    ['no JSON', '[{', 'it is not JSON'],
    ['an object', { model: 'x' }, 'it is not a list of rows'],
    ['far too many rows', JSON.stringify(Array.from({ length: 10_001 }, () => 1)), 'it has 10001 rows'],
    [
      'two prices for one day',
      [
        { model: 'x', audioUsd: 1 },
        { model: 'x', tier: 'standard', audioUsd: 2 },
      ],
      'row 2: row 1 has the same model, tier and day',
    ],
  ])('%s', (_, content, problem) => {
    const { warnings } = load(content)
    expect(warnings).toEqual([expect.stringContaining(problem)])
  })

  test('a hundred wrong rows make a message that can be read', () => {
    const { warnings } = load(Array.from({ length: 100 }, () => ({})))
    expect(warnings[0]).toContain('and 180 more')
    expect(warnings[0]?.length).toBeLessThan(2_000)
  })

  test('a file that is not there', () => {
    const warnings: string[] = []
    const tables = loadPrices({ path: join(directory, 'none.json'), warn: (message) => warnings.push(message) })
    expect(warnings).toEqual([expect.stringMatching(/none\.json is not used .* cannot be read \(ENOENT/)])
    expect(tables).toEqual([PRICES])
  })
})

test.each([
  ['Kore', 'Kore'],
  ['kore', 'Kore'],
  ['voice_abc123', 'custom'],
  ['', 'custom'],
])('the voice %s is counted as %s', (voice, label) => {
  expect(voiceLabel(voice)).toBe(label)
})
