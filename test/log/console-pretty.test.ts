import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import type { Line } from '../../src/log/line.ts'
import { createPrettyFormat } from '../../src/log/pretty.ts'

const line: Line = {
  timeMs: new Date(2026, 10, 22, 9, 5, 7, 42).getTime(),
  level: 'WARNING',
  id: '01a205ac-e449-726a-9546-860ba702998f',
  logger: 'app.tts',
  message: 'slow',
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  spanId: '00f067aa0ba902b7',
  attributes: { request_id: 'r-1', voice: 'Kore', note: 'two words' },
}

test('a person reads time, level, logger, message, fields and the trace, on one line', () => {
  expect(createPrettyFormat({ colors: false })(line)).toBe(
    '09:05:07.042 WARNING  app.tts slow request_id=r-1 voice=Kore note="two words" trace_id=4bf92f3577b34da6a3ce929d0e0e4736\n',
  )
})

test('colours change nothing but colours, and are closed at the end of each part', () => {
  const colored = createPrettyFormat({ colors: true })(line)
  expect(stripVTControlCharacters(colored)).toBe(createPrettyFormat({ colors: false })(line))
  expect(colored).toContain('\u001b[33mWARNING \u001b[39m')
})

test('a stack stands below the line, once', () => {
  const attributes = {
    'exception.type': 'TypeError',
    'exception.message': 'bad',
    'exception.stacktrace': 'TypeError: bad\n    at app.js:1:1',
  }
  const text = createPrettyFormat({ colors: false })({ ...line, traceId: undefined, attributes })
  expect(text).toBe('09:05:07.042 WARNING  app.tts slow\nTypeError: bad\n    at app.js:1:1\n')
})

test.each(['message', 'logger', 'value', 'name', 'stack'])('a terminal is told nothing by a %s', (place) => {
  const evil = '\u001b]0;owned\u0007\u009b2J\r\b'
  const attributes = {
    [place === 'name' ? evil : 'a']: place === 'value' ? evil : 1,
    ...(place === 'stack' ? { 'exception.stacktrace': evil } : {}),
  }
  const text = createPrettyFormat({ colors: false })({
    ...line,
    attributes,
    ...(place === 'message' ? { message: evil } : {}),
    ...(place === 'logger' ? { logger: evil } : {}),
  })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
  expect(text).toContain('owned')
})
