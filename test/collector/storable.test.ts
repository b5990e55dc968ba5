import { expect, test } from 'vitest'
import type { Value } from '../../collector/src/batch.ts'
import { arrayLiteral } from '../../collector/src/postgres/array-literal.ts'
import { storableJson, storableText } from '../../collector/src/storable.ts'

test('text loses NUL bytes and half surrogate pairs, and nothing else', () => {
  expect(storableText('plain é 🎙️')).toBe('plain é 🎙️')
  expect(storableText('a\0b\0')).toBe('ab')
  expect(storableText('\ud83d x \udf99')).toBe('\ufffd x \ufffd')
})

test('JSON is made storable down to its keys', () => {
  expect(storableJson({ 'k\0': ['\0', { n: Number.NaN }, -0.5, true, null] })).toBe('{"k":["",{"n":"NaN"},-0.5,true,null]}')
})

test('every character is in JSON what JSON.stringify makes of its storable text', () => {
  const differing = Array.from({ length: 0x1_0000 }, (_, code) => String.fromCharCode(code)).filter(
    (character) => storableJson(character) !== JSON.stringify(storableText(character)) || storableJson(`a${character}`).length < 3,
  )
  expect(differing).toEqual([])
})

test('numbers are in JSON as JSON.stringify writes them, and as text where JSON has none', () => {
  expect([-0, 1e21, 5e-324, 0.1, Number.NaN, Number.NEGATIVE_INFINITY].map(storableJson)).toEqual([
    '0',
    '1e+21',
    '5e-324',
    '0.1',
    '"NaN"',
    '"-Infinity"',
  ])
})

test('JSON is cut off at the 64th level and whole above it', () => {
  const nest = (levels: number): Value => (levels === 0 ? 'end' : [nest(levels - 1)])
  expect(storableJson(nest(64))).toBe(JSON.stringify(nest(64)))
  expect(storableJson(nest(65))).toContain('[deeper than 64 levels]')
})

test('an array literal quotes what would end an element', () => {
  expect(arrayLiteral([])).toBe('{}')
  expect(arrayLiteral(['a', null, 'NULL', '', 'say "hi", \\o/ {}', 1.5, true])).toBe(
    '{"a",NULL,"NULL","","say \\"hi\\", \\\\o/ {}",1.5,true}',
  )
})
