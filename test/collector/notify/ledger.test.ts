import { expect, test } from 'vitest'
import { createLedger } from '../../../collector/src/notify/ledger.ts'
import { createClock } from '../support/clock.ts'

const MINUTE_MS = 60_000

function open() {
  const clock = createClock(0)
  const faults: string[] = []
  const written: string[] = []
  const disk = { isFull: false }
  const ledger = createLedger({ sleep: clock.sleep, onFault: ({ message }) => void faults.push(message) })
  const write = (what: string) => async () => {
    if (disk.isFull) throw new Error(`no space for ${what}`)
    written.push(what)
  }
  return { clock, faults, written, disk, ledger, write }
}

test('what comes later is not written before what comes first, however long that fails', async () => {
  const { clock, faults, written, disk, ledger, write } = open()
  disk.isFull = true
  ledger.must(write('one'))
  ledger.must(write('two'))
  ledger.may(write('three'))
  await clock.advance(10 * MINUTE_MS)
  expect(new Set(faults)).toEqual(new Set(['no space for one']))
  expect(faults.length).toBeLessThan(40)
  disk.isFull = false
  await clock.advance(MINUTE_MS)
  expect(written).toEqual(['one', 'two', 'three'])
  await ledger.settle(AbortSignal.abort())
  expect(ledger.unwritten()).toBe(0)
})

test('what may be left out is tried once', async () => {
  const { clock, faults, written, disk, ledger, write } = open()
  disk.isFull = true
  ledger.may(write('one'))
  await clock.advance(MINUTE_MS)
  disk.isFull = false
  ledger.must(write('two'))
  await clock.advance(MINUTE_MS)
  expect(faults).toEqual(['no space for one'])
  expect(written).toEqual(['two'])
})

test('at the end what cannot be written is counted, and nothing behind it is written', async () => {
  const { clock, written, disk, ledger, write } = open()
  disk.isFull = true
  ledger.must(write('one'))
  await clock.advance(0)
  ledger.must(async () => void written.push('two'))
  await ledger.settle(AbortSignal.abort())
  expect(ledger.unwritten()).toBe(2)
  expect(written).toEqual([])
})
