import { expect, test } from 'vitest'
import { LOG_COUNT, SIGNALS } from '../../../collector/src/signal-names.ts'
import { DEFINITIONS } from '../../../collector/src/signals/definitions.ts'
import { LOG_LABEL_NAMES } from '../../../collector/src/signals/labels.ts'

test('every signal that is computed can be named in a rule', () => {
  expect(Object.keys(DEFINITIONS).filter((name) => !Object.hasOwn(SIGNALS, name))).toEqual([])
})

test('a count of log records is told apart by every label that a rule can ask of it', () => {
  expect(LOG_LABEL_NAMES.toSorted()).toEqual(LOG_COUNT.labels.toSorted())
})
