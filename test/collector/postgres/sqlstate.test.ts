import { expect, test } from 'vitest'
import { verdict } from '../../../collector/src/postgres/sqlstate.ts'

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

test('what a person has to mend is not asked for every second', () => {
  expect(verdict(error('53100'))).toEqual({ kind: 'retry', afterMs: 10_000 })
  expect(verdict(error('40P01'))).toEqual({ kind: 'retry', afterMs: 1_000 })
})
