import { randomFillSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { createUuidv7, uuidv7 } from '../../src/log/uuid.ts'

const FORM = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const timeOf = (id: string) => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)

test('an id is a UUIDv7 of now', () => {
  const before = Date.now()
  const id = uuidv7()
  expect(id).toMatch(FORM)
  expect(timeOf(id)).toBeGreaterThanOrEqual(before)
  expect(timeOf(id)).toBeLessThanOrEqual(Date.now() + 1)
})

test('100,000 ids are all different and sort in the order in which they were made', () => {
  const ids = Array.from({ length: 100_000 }, uuidv7)
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids).toEqual(ids.toSorted())
  expect(ids.every((id) => FORM.test(id))).toBe(true)
})

test('a frozen clock still gives ids in order: they run into the next milliseconds', () => {
  const next = createUuidv7({ nowMs: () => 1_700_000_000_000 })
  const ids = Array.from({ length: 20_000 }, next)
  expect(ids).toEqual(ids.toSorted())
  expect(timeOf(ids[0]!)).toBe(1_700_000_000_000)
  expect(timeOf(ids.at(-1)!)).toBeLessThan(1_700_000_000_012)
})

test('a small step back of the clock keeps the order, a big one is believed', () => {
  let nowMs = 1_700_000_000_000
  const next = createUuidv7({ nowMs: () => nowMs })
  const first = next()
  nowMs -= 5_000
  const second = next()
  expect(second > first).toBe(true)
  nowMs -= 3_600_000
  expect(timeOf(next())).toBe(nowMs)
})

test('every bit that is random changes', () => {
  const next = createUuidv7({ nowMs: () => 0, fillRandom: (bytes) => randomFillSync(bytes) })
  const seen = Array.from({ length: 36 }, () => new Set<string>())
  for (let i = 0; i < 2_000; i++) for (const [index, character] of [...next()].entries()) seen[index]!.add(character)
  const tail = seen.slice(19).map((characters) => characters.size)
  expect(tail).toEqual([4, 16, 16, 16, 1, ...Array(12).fill(16)])
})
