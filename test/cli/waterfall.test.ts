import { expect, test } from 'vitest'
import { createPaint } from '../../examples/demo/paint.ts'
import { type Bar, drawWaterfall } from '../../src/cli/waterfall.ts'

const plain = createPaint(false, {})
const bar = (id: string, parentId: string, startMs: number, durationMs: number, change: Partial<Bar> = {}): Bar => ({
  id,
  parentId,
  name: id,
  note: '200',
  failed: false,
  startMs,
  durationMs,
  ...change,
})

test('children stand below their parent, by their start, each with its time and a bar where it ran', () => {
  const bars = [bar('late', 'root', 60, 40), bar('root', '', 0, 100), bar('leaf', 'early', 20, 20), bar('early', 'root', 10, 40)]
  expect(drawWaterfall(bars, 45, plain)).toEqual([
    'root        200  100 ms  ━━━━━━━━━━━━━━━━━━━━',
    '├─ early    200   40 ms    ━━━━━━━━',
    '│  └─ leaf  200   20 ms      ━━━━',
    '└─ late     200   40 ms              ━━━━━━━━',
  ])
})

test.each([80, 120])('no line is wider than a terminal of %i columns', (width) => {
  const bars = [
    bar('POST /api/v1/tts/generate', '', 0, 118),
    bar('tts_request', 'POST /api/v1/tts/generate', 3, 2_100, { note: 'no_audio', failed: true }),
  ]
  for (const line of drawWaterfall(bars, width, plain)) expect(line.length).toBeLessThanOrEqual(width)
})

test('a trace of 10,000 spans, each below the one before, is drawn, in lines that can be read', () => {
  const bars = Array.from({ length: 10_000 }, (_, index) => bar(`${index}`, index === 0 ? '' : `${index - 1}`, index, 10_000 - index))
  const lines = drawWaterfall(bars, 120, plain)
  expect(lines).toHaveLength(10_000)
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(120)
})

test('a span whose parent is not stored is shown all the same; nothing is drawn for nothing', () => {
  expect(drawWaterfall([bar('orphan', 'gone', 5, 0)], 60, plain)).toHaveLength(1)
  expect(drawWaterfall([], 60, plain)).toEqual([])
})

test('of two spans with one id each is shown once', () => {
  expect(drawWaterfall([bar('twin', '', 0, 10), bar('twin', 'twin', 2, 5)], 60, plain)).toHaveLength(2)
})

test('colour is for terminals, and NO_COLOR turns it off', () => {
  expect(createPaint(true, {})('red', 'x')).toBe('\u001b[31mx\u001b[39m')
  expect(createPaint(true, { NO_COLOR: '1' })('red', 'x')).toBe('x')
  expect(createPaint(false, {})('red', 'x')).toBe('x')
})
