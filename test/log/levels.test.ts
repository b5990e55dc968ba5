import { expect, test } from 'vitest'
import { levelOfSeverity, parseLevel, SEVERITIES } from '../../src/log/levels.ts'

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

test.each([
  [1, 'DEBUG'],
  [5, 'DEBUG'],
  [8, 'DEBUG'],
  [9, 'INFO'],
  [12, 'INFO'],
  [13, 'WARNING'],
  [17, 'ERROR'],
  [21, 'CRITICAL'],
  [24, 'CRITICAL'],
  [0, undefined],
  [Number.NaN, undefined],
])('severity %d is the level %s', (severity, level) => expect(levelOfSeverity(severity)).toBe(level))
