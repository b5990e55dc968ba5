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
