/** What a caller without types may pass, and what is larger than a record should be. */
import { beforeEach, describe, expect, test } from 'vitest'
import { createLogging } from '../../src/log/logger.ts'

const lines: string[] = []
const logging = createLogging({ settings: () => ({ level: 'DEBUG', format: 'json' }), write: (line) => void lines.push(line) })
const log = logging.getLogger('app')
/** As JavaScript calls it. */
const call = (...args: readonly unknown[]) => Reflect.apply(log.info, log, args)
const last = () => JSON.parse(lines.at(-1) ?? 'null')

beforeEach(() => void lines.splice(0))

describe('what is no mapping is kept as one field', () => {
  test.each([
    ['a text, as the console takes it', 'bob', 'bob'],
    ['a number', 5, 5],
    ['a list', [1, 'two'], [1, 'two']],
  ])('%s', (_, given, expected) => {
    call('User', given)
    const { timestamp, id, ...rest } = last()
    expect(rest).toEqual({ level: 'INFO', logger: 'app', message: 'User', fields: expected })
  })

  test('fields in front of the message, as pino takes them: both are there, without secrets', () => {
    call({ user: 'bob', password: 'hunter2' }, 'logged in')
    expect(last()).toMatchObject({ message: '{"user":"bob","password":"[REDACTED]"}', fields: 'logged in' })
  })
})

test('a name that would change the prototype puts no fields under the record, and gives it no other id', () => {
  const id = log.info('said', JSON.parse('{"__proto__": {"log.record.uid": "forged", "hidden": 1}, "seen": 2}'))
  const { timestamp, ...rest } = last()
  expect(rest).toEqual({ level: 'INFO', logger: 'app', message: 'said', id, seen: 2 })
})

test('a function is its name: its source is no part of a log', () => {
  log.info('said', { onEnd: function finish() {} })
  expect(last().onEnd).toBe('[function finish]')
})

describe('beyond a thousand values a record says that there are more', () => {
  const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`k${index}`, 'v']))
  test.each([
    ['fields', many, (record: Record<string, unknown>) => record],
    ['an object', { it: many }, ({ it }: Record<string, unknown>) => it],
    ['a map', { it: new Map(Object.entries(many)) }, ({ it }: Record<string, unknown>) => it],
  ])('%s', (_, fields, find) => {
    log.info('much', fields)
    const found = find(last())
    expect(Object.keys(found ?? {}).length).toBeLessThan(1_010)
    expect(found).toMatchObject({ k0: 'v', '[TOO MANY]': true })
  })

  test('a list', () => {
    log.info('much', { it: Array.from({ length: 5_000 }, (_, index) => index) })
    expect(last().it.slice(-2)).toEqual([998, '[TOO MANY]'])
  })
})
