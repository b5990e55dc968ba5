import { expect, test } from 'vitest'
import { createSeldom } from '../../collector/src/seldom.ts'

test('a matter is told once a minute, with how often it was not', () => {
  let nowMs = 0
  const told: string[] = []
  const tell = createSeldom(
    (message) => void told.push(message),
    () => nowMs,
  )
  for (; nowMs < 120_000; nowMs += 20_000) tell('disk', `full since ${nowMs}`)
  expect(told).toEqual(['full since 0', 'full since 60000 (2 more like this were not told)'])
})

test('matters without end are not all remembered', () => {
  const told: string[] = []
  const tell = createSeldom(
    (message) => void told.push(message),
    () => 0,
  )
  for (let i = 0; i < 100_000; i++) tell(`matter ${i}`, String(i))
  tell('matter 99999', 'the last one again')
  tell('matter 0', 'the first one again')
  expect(told.slice(99_999)).toEqual(['99999', 'the first one again'])
})
