import { expect, test } from 'vitest'
import { parseLevel, SEVERITIES } from '../../src/log/levels.ts'

test.each([
  ['debug', 'DEBUG'],
  ['Info', 'INFO'],
  ['WARNING', 'WARNING'],
  ['warn', 'WARNING'],
  ['error', 'ERROR'],
  ['critical', 'CRITICAL'],
  ['fatal', 'CRITICAL'],
  ['trace', 'DEBUG'],
  [' info ', 'INFO'],
  ['loud', undefined],
  ['', undefined],
  ['toString', undefined],
])('%s is the level %s', (text, level) => expect(parseLevel(text)).toBe(level))

test('levels have the severity numbers of OpenTelemetry', () => {
  expect(SEVERITIES).toEqual({ DEBUG: 5, INFO: 9, WARNING: 13, ERROR: 17, CRITICAL: 21 })
})
