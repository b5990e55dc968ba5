import { expect, test } from 'vitest'
import { createLeadership, FREE_MS_MIN } from '../../collector/src/leadership.ts'
import { createSharedLock } from './support/shared-lock.ts'

const standbyOn = (lock: ReturnType<typeof createSharedLock>, id: string) => createLeadership({ lock: lock.of(id), wasLeader: false })
const formerOn = (lock: ReturnType<typeof createSharedLock>, id: string) => createLeadership({ lock: lock.of(id), wasLeader: true })

test('a lock is taken when it has been free for five seconds, by one of two', async () => {
  const lock = createSharedLock()
  const [a, b] = [standbyOn(lock, 'a'), standbyOn(lock, 'b')]
  for (const nowMs of [0, FREE_MS_MIN - 1]) expect([await a.look(nowMs), await b.look(nowMs)]).toEqual(['standby', 'standby'])
  expect([await a.look(FREE_MS_MIN), await b.look(FREE_MS_MIN)]).toEqual(['leading', 'standby'])
  await a.close()
  expect(await b.look(20_000)).toBe('standby')
  expect(await b.look(20_000 + FREE_MS_MIN)).toBe('leading')
})

test('the time that a lock was free does not count over an outage', async () => {
  const lock = createSharedLock()
  const a = standbyOn(lock, 'a')
  await a.look(0)
  lock.isAway = true
  expect(await a.look(1_000)).toBe('standby')
  lock.isAway = false
  expect(await a.look(FREE_MS_MIN + 1)).toBe('standby')
})

test('the one that leads goes on alone while the database is away, and leads again after it', async () => {
  const lock = createSharedLock()
  const [a, b] = [formerOn(lock, 'a'), standbyOn(lock, 'b')]
  expect(await a.look(0)).toBe('leading')
  lock.isAway = true
  lock.holder = undefined
  for (const nowMs of [1_000, 60_000]) expect([await a.look(nowMs), await b.look(nowMs)]).toEqual(['alone', 'standby'])
  lock.isAway = false
  expect([await b.look(61_000), await a.look(61_000)]).toEqual(['standby', 'leading'])
})

test('the one that led last goes on alone after a restart, and stands by when another one has the lock', async () => {
  const lock = createSharedLock()
  lock.isAway = true
  const a = formerOn(lock, 'a')
  expect(await a.look(0)).toBe('alone')
  lock.isAway = false
  lock.holder = 'b'
  expect(await a.look(1_000)).toBe('standby')
  lock.isAway = true
  expect(await a.look(2_000)).toBe('standby')
})
