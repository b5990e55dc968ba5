import { expect, test } from 'vitest'
import { showMs } from '../../../collector/src/viewer/client/time.ts'

test.each([
  [0.42, '0.42 ms'],
  [9.999, '10 ms'],
  [118, '118 ms'],
  [999.7, '1.00 s'],
  [2_100, '2.10 s'],
  [59_999, '1 min 0 s'],
  [185_000, '3 min 5 s'],
  [239_700, '4 min 0 s'],
])('%d ms are shown as %s', (ms, shown) => {
  expect(showMs(ms)).toBe(shown)
})
