import { describe, expect, test } from 'vitest'
import { PRICES } from '../../src/tts/prices.ts'
import { estimateCost } from '../../src/tts/pricing.ts'
import { voiceLabel } from '../../src/tts/voices.ts'

const minute = { inputTokens: 0, audioTokens: 1_500 }

test.each([
  ['gemini-3.8-flash-tts', '2026-11-22', 0.0135],
  ['gemini-3.8-flash-lite-tts', '2026-11-22', 0.009],
  ['gemini-3.1-flash-tts-preview', '2026-11-22', 0.03],
  ['gemini-3.8-flash-tts', '2026-12-31T23:59:59.999Z', 0.0135],
  ['gemini-3.8-flash-tts', '2027-01-01T00:00:00Z', 0.027],
  ['models/gemini-3.8-flash-lite-tts', '2030-06-01', 0.018],
])('a minute of %s on %s costs $%d', (model, day, usd) => {
  expect(estimateCost({ model, ...minute, at: new Date(day) })).toEqual({ usd })
})

test('input is billed too', () => {
  expect(estimateCost({ model: 'gemini-3.8-flash-tts', inputTokens: 1_000_000, audioTokens: 0, at: new Date('2026-11-22') })).toEqual({
    usd: 0.5,
  })
})

describe('what is not known is unknown, never free', () => {
  test.each([
    ['another model', { model: 'gemini-9-tts', ...minute, at: new Date('2026-11-22') }],
    ['no model', { model: '', ...minute, at: new Date('2026-11-22') }],
    ['a day before the first price', { model: 'gemini-3.8-flash-tts', ...minute, at: new Date('2026-01-01') }],
    ['no date', { model: 'gemini-3.8-flash-tts', ...minute, at: new Date('never') }],
    ['tokens that are no number', { model: 'gemini-3.8-flash-tts', inputTokens: Number.NaN, audioTokens: 1, at: new Date('2026-11-22') }],
    ['negative tokens', { model: 'gemini-3.8-flash-tts', inputTokens: 1, audioTokens: -1, at: new Date('2026-11-22') }],
  ])('%s', (_, usage) => expect(estimateCost(usage)).toBeUndefined())
})

test('every price says where it was seen, and no model has two for one day', () => {
  expect(PRICES.every(({ source, from }) => source !== '' && !Number.isNaN(Date.parse(from)))).toBe(true)
  const keys = PRICES.map(({ model, from }) => `${model} ${from}`)
  expect(new Set(keys).size).toBe(keys.length)
})

test.each([
  ['Kore', 'Kore'],
  ['kore', 'Kore'],
  ['voice_abc123', 'custom'],
  ['', 'custom'],
])('the voice %s is counted as %s', (voice, label) => {
  expect(voiceLabel(voice)).toBe(label)
})
