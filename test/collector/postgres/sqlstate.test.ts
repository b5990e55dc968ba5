import { expect, test } from 'vitest'
import { VERDICTS, verdict } from '../../../collector/src/postgres/sqlstate.ts'

const error = (code: string) => Object.assign(new Error('refused'), { code })

test.each(['22P02', '22021', '22003', '22P05', '23502', '23505', '54000', '54001'])('%s: the row is poison', (code) => {
  expect(verdict(error(code))).toEqual({ kind: 'poison' })
})

test.each(['08006', '40P01', '40001', '53300', '53100', '57P01', '57P03', '57014', '55P03', '23514', '42P01', '42501', '28P01', '3D000'])(
  '%s: the rows are kept for another try',
  (code) => {
    expect(verdict(error(code))).toMatchObject({ kind: 'retry' })
  },
)

test.each([
  error('ECONNREFUSED'),
  error('ECONNRESET'),
  error('EPIPE'),
  new Error('Connection terminated unexpectedly'),
  'a string',
  undefined,
])('what is not an answer of the server (%s) is no fault of the rows', (fault) => {
  expect(verdict(fault)).toMatchObject({ kind: 'retry' })
})

test.each([error('XX000'), error('P0001'), new TypeError('undefined is not a function')])('nobody knows whether %s passes', (fault) => {
  expect(verdict(fault)).toEqual({ kind: 'fault', afterMs: 1_000 })
})

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const CLASSES =
  '00 01 02 03 08 09 0A 0B 0F 0L 0P 0Z 20 21 22 23 24 25 26 27 28 2B 2D 2F 34 38 39 3B 3D 3F 40 42 44 53 54 55 57 58 72 F0 HV P0 XX'

test('every class of the appendix has its verdict, and no other', () => {
  expect(
    Object.keys(VERDICTS)
      .filter((key) => key.length === 2)
      .toSorted(),
  ).toEqual(CLASSES.split(' ').toSorted())
})

test.each(['26000', '25P02', '25006', '0A000', '42P05'])('%s, of a pooler or a standby, makes no dead letters of good rows', (code) => {
  expect(verdict(error(code))).toEqual({ kind: 'retry', afterMs: 10_000 })
})

test('what a person has to mend is not asked for every second', () => {
  expect(verdict(error('53100'))).toEqual({ kind: 'retry', afterMs: 10_000 })
  expect(verdict(error('40P01'))).toEqual({ kind: 'retry', afterMs: 1_000 })
})
