/** Values made to hurt whoever looks at them: nothing throws into the app, and the work grows no faster than the input. */
import { describe, expect, test } from 'vitest'
import { createLogging } from '../../../src/log/logger.ts'
import { createRedactor } from '../../../src/log/redact.ts'

const redactor = createRedactor()
const hashing = createRedactor({ hashKey: 'key' })

function throwing(): never {
  throw new Error('not now')
}

const HOSTILE: Readonly<Record<string, () => unknown>> = {
  'a getter that throws': () => Object.defineProperty({ password: 'hunter2' }, 'bad', { enumerable: true, get: throwing }),
  'a toJSON that throws': () => ({ password: 'hunter2', toJSON: throwing }),
  'a toJSON that gives itself': () => {
    const value: Record<string, unknown> = { password: 'hunter2' }
    value.toJSON = () => value
    return value
  },
  'a toJSON that gives a new one each time': () => {
    const make = (): object => ({ toJSON: () => [make(), make()], password: 'hunter2' })
    return make()
  },
  'a proxy that throws at everything': () => new Proxy({}, { get: throwing, ownKeys: throwing, getPrototypeOf: throwing, has: throwing }),
  'a revoked proxy': () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    return proxy
  },
  'an iterator that never ends': () => ({
    *[Symbol.iterator]() {
      for (;;) yield 'password=hunter2'
    },
  }),
  'a map with keys that throw': () => new Map([[{ toString: throwing, [Symbol.toPrimitive]: throwing }, 'password=hunter2']]),
  'an error whose stack throws': () => Object.defineProperty(new Error('password=hunter2'), 'stack', { get: throwing }),
  'an error that is its own cause': () => {
    const error = new Error('password=hunter2')
    error.cause = error
    return error
  },
  'a name that changes the prototype': () => JSON.parse('{"__proto__": {"password": "hunter2"}, "note": "password=hunter2"}'),
  'a long list with nothing in it': () => {
    const list: unknown[] = []
    list.length = 4_000_000_000
    return list
  },
}

describe('neither throws nor leaks', () => {
  test.each(Object.keys(HOSTILE))('%s', (name) => {
    const value = HOSTILE[name]!()
    for (const each of [redactor, hashing]) {
      expect(show(each.value(value))).not.toContain('hunter2')
      expect(show(each.value({ deep: [value] }))).not.toContain('hunter2')
      const attributes = each.attributes({ before: 'kept', value, after: 'kept' })
      expect(show(attributes)).not.toContain('hunter2')
      expect(attributes).toMatchObject({ before: 'kept', after: 'kept' })
    }
  })

  test.each(Object.keys(HOSTILE))('%s, in a logger: the record is written all the same', (name) => {
    const lines: string[] = []
    const logging = createLogging({ settings: () => ({ level: 'DEBUG', format: 'json' }), write: (line) => void lines.push(line) })
    logging.getLogger('app').info('written', { before: 'kept', value: HOSTILE[name]!() })
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0]!)).toMatchObject({ message: 'written', before: 'kept' })
    expect(lines[0]).not.toContain('hunter2')
  })
})

describe('four times the input takes about four times the time', () => {
  const repeat = (text: string) => (length: number) => text.repeat(Math.ceil(length / text.length)).slice(0, length)
  test.each([
    ['escapes', repeat('%25')],
    ['escapes of escapes', repeat('%2525')],
    ['separators', repeat(':=')],
    ['names', repeat('token')],
    ['pairs', repeat('token=x ')],
    ['open lists', repeat('token=[')],
    ['open objects', repeat('token={')],
    ['open quotes', repeat('token="\\"')],
    ['backslashes before a quote', repeat('token=\\\\\\"x')],
    ['options', repeat('--token ')],
    ['options without an end', repeat('--token-a')],
    ['SQL', repeat("password '")],
    ['schemes', repeat('bearer a1')],
    ['authorization', repeat('authorization: bearer ')],
    ['hooks', repeat('hooks.slack.com/')],
    ['logins', repeat('://a:')],
    ['logins with an end', (length: number) => `${repeat('://a:b')(length - 1)}@`],
    ['addresses', repeat('a@a.')],
    ['addresses of any language', repeat('ä@ä.')],
    ['JWTs', repeat('eyJhbGciOiJ.')],
    ['JWTs with dashes', repeat('-eyJhbGciOiJ')],
    ['keys', repeat('AIza-')],
    ['cards', repeat('4111 1111-')],
    ['PEM', repeat('-----BEGIN A PRIVATE KEY-----')],
    ['users', repeat('user_id=1&')],
    ['schemes of their own', repeat('authorization: a b=')],
    ['colours', repeat('token\u001b[0m=\u001b[0m')],
    ['elements', repeat('<token>a</')],
    ['elements without an end', repeat('<token a')],
    ['keys of PostgreSQL', repeat('(token)=(')],
    ['logins of curl', repeat('-u a:')],
    ['JSON of Go', repeat('\\u0026token')],
    ['tokens with dots', repeat('SG.AAAAAAAAAAAAAAAAAA.')],
    ['keys behind underscores', repeat('_AIza')],
    ['SQL with the other quotes', repeat('password "a')],
  ])('%s', (_, make) => {
    for (const each of [redactor, hashing]) {
      const [quarter, full] = [make(16_000), make(64_000)]
      const ratio = cpuOf(() => each.text(full)) / cpuOf(() => each.text(quarter))
      // Quadratic work would give 16; a busy machine makes 6 of 4 at times.
      expect(ratio).toBeLessThan(10)
    }
  })

  test('a structure with many long texts costs no more than a few of them', () => {
    const text = 'password=hunter2 bob@example.com '.repeat(1_900)
    const value = Array.from({ length: 10_000 }, () => text)
    const cpuMs = cpuOf(() => expect(show(redactor.value(value))).not.toContain('hunter2'), 1)
    expect(cpuMs).toBeLessThan(2_000)
  })
})

/** As JSON, or what inspection shows of what has none. */
function show(value: unknown): string {
  try {
    return JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? String(inner) : inner)) ?? ''
  } catch {
    return ''
  }
}

/** The best of several runs, in ms of CPU: what else the machine does only adds. */
function cpuOf(fn: () => unknown, runs = 5): number {
  let best = Number.POSITIVE_INFINITY
  for (let run = 0; run < runs; run++) {
    const before = process.cpuUsage()
    fn()
    const { user, system } = process.cpuUsage(before)
    best = Math.min(best, (user + system) / 1_000)
  }
  return Math.max(best, 1)
}
