/** Documents cite a few figures of bench/results.md, rounded: they are the ones that stand there. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { scriptOf } from '../../bench/results.ts'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const sections = read('bench/results.md').split(/^(?=## )/m)

/** The number that the cell below `column` begins with, in the first row that begins with these cells. */
function cell(script: string, row: readonly string[], column: string): number {
  const section = sections.find((text) => scriptOf(text) === script) ?? ''
  const tables = section.split('\n\n').filter((part) => part.startsWith('|'))
  for (const [head, ...rows] of tables.map((table) => table.split('\n').map((line) => line.slice(2, -2).split(' | ')))) {
    const found = rows.find((cells) => row.every((name, index) => cells[index] === name))
    const value = Number.parseFloat(found?.[head!.indexOf(column)] ?? '')
    if (!Number.isNaN(value)) return value
  }
  throw new Error(`bench/results.md has no figure for ${script}, ${row.join(', ')}, ${column}`)
}

const call = (row: string) => cell('bench:log', [row], 'call, µs')
const later = cell('bench:log', ['tts-otel, and an OTLP record'], 'all, µs') - call('tts-otel, and an OTLP record')
const whole = (seconds: number, column: string) => cell('bench:audio', [`${seconds} s`, 'base64'], column)
const piece = (column: string) => cell('bench:audio', ['200 ms'], column)

test.each([
  ['README.md', `costs ${call('tts-otel').toFixed(1)} µs, where one of pino's that is not redacted costs ${call('pino').toFixed(1)} µs`],
  ['docs/logging.md', `| tts-otel, to a file | ${call('tts-otel').toFixed(1)} |`],
  [
    'docs/logging.md',
    `| and as an OpenTelemetry record | ${call('tts-otel, and an OTLP record').toFixed(1)}, and ${later.toFixed(1)} later for encoding and sending |`,
  ],
  ['docs/logging.md', `| the same while the queue is full | ${call('the same, the queue full').toFixed(1)} |`],
  ['docs/logging.md', `| pino, nothing redacted | ${call('pino').toFixed(1)} |`],
  ['docs/logging.md', `| pino, six paths redacted | ${call('pino, six wildcard paths').toFixed(1)} |`],
  [
    'docs/speech.md',
    `| one answer of 60 s, base64 | ${(whole(60, 'off') * 1_000).toFixed(0)} µs | ${whole(60, 'analysed').toFixed(1)} ms |`,
  ],
  [
    'docs/speech.md',
    `| one answer of 600 s, base64 | ${(whole(600, 'off') * 1_000).toFixed(0)} µs | ${whole(600, 'analysed').toFixed(1)} ms |`,
  ],
  ['docs/speech.md', `| a piece of 200 ms in a stream | ${piece('off').toFixed(1)} µs | ${piece('analysed').toFixed(0)} µs |`],
])('%s says what was measured: %s', (document, text) => {
  expect(read(document)).toContain(text)
})
