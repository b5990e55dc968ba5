import { expect, test } from 'vitest'
import { SIGNALS } from '../../../collector/src/signal-names.ts'
import { DEFINITIONS } from '../../../collector/src/signals/definitions.ts'

test('every signal that is computed can be named in a rule', () => {
  expect(Object.keys(DEFINITIONS).filter((name) => !Object.hasOwn(SIGNALS, name))).toEqual([])
})
