import { trace } from '@opentelemetry/api'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Level } from '../../src/log/levels.ts'
import { createLogging } from '../../src/log/logger.ts'
import { setUser, withRequest } from '../../src/request-context.ts'
import { startTelemetry } from '../tts/support.ts'

const lines: string[] = []
const last = () => JSON.parse(lines.at(-1) ?? 'null')
const time = new Date(2026, 10, 22, 10, 0, 0)
const loggerAt = (level: Level, format: 'json' | 'text' = 'json') =>
  createLogging({ settings: () => ({ level, format }), write: (line) => void lines.push(line), now: () => time }).getLogger('app.tts')
const log = loggerAt('DEBUG')

beforeEach(() => void lines.splice(0))

describe('the console line', () => {
  test('is one JSON object with the names that a reader expects', () => {
    const id = withRequest({ requestId: 'r-1', userId: 'u-1' }, () => log.info('TTS request started', { text_length: 100, ok: true }))
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^\{.*\}\n$/)
    expect(last()).toEqual({
      timestamp: time.toISOString(),
      level: 'INFO',
      logger: 'app.tts',
      message: 'TTS request started',
      id,
      request_id: 'r-1',
      user_id: 'u-1',
      text_length: 100,
      ok: true,
    })
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/)
  })

  test('calls a warning WARNING, however it is spelled', () => {
    log.warn('slow')
    expect(last()).toMatchObject({ level: 'WARNING', message: 'slow' })
  })

  test('as text has the form of the Python service', () => {
    loggerAt('INFO', 'text').error('Gemini API error', {
      error_code: 'QUOTA_EXCEEDED',
      retry_count: 2,
      note: 'two words',
      empty: '',
      list: [1, 'a'],
    })
    expect(lines).toEqual([
      '2026-11-22 10:00:00 - app.tts - ERROR - Gemini API error error_code=QUOTA_EXCEEDED retry_count=2 note="two words" empty="" list=[1,"a"]\n',
    ])
  })

  test('as text tells a terminal nothing', () => {
    loggerAt('INFO', 'text').error('\u001b]0;owned\u0007', { field: '\u009b31m', error: new Error('\u001b[2J') })
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
    expect(lines[0]).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/)
    expect(lines[0]).toContain('\\x1b]0;owned\\x07 field="\\x9b31m"')
  })

  test('as JSON escapes what JSON must', () => {
    const text = '"\\\n\u0000\u001f\u2028\ud83d\ude00 half \ud83d'
    loggerAt('INFO').info(text, { [text]: text, long: text.repeat(20) })
    expect(last()).toMatchObject({ message: text, [text]: text, long: text.repeat(20) })
    expect(lines[0]!.indexOf('\n')).toBe(lines[0]!.length - 1)
  })

  test('has the time in milliseconds, across seconds and before 1970', () => {
    const at = { time: 0 }
    const clock = createLogging({
      settings: () => ({ level: 'INFO', format: 'json' }),
      write: (line) => void lines.push(line),
      now: () => new Date(at.time),
    }).getLogger('app')
    for (const ms of [1_999, 2_000, 2_007, 2_089, 1_999, -1, 951_782_400_123]) {
      at.time = ms
      clock.info('m')
      expect(last().timestamp).toBe(new Date(ms).toISOString())
    }
  })

  test('as text stays one record when the message holds newlines', () => {
    loggerAt('INFO', 'text').info('a\n2026-11-22 10:00:00 - root - INFO - forged\r', { field: 'x\ny' })
    expect(lines).toEqual(['2026-11-22 10:00:00 - app.tts - INFO - a\\n2026-11-22 10:00:00 - root - INFO - forged\\r field="x\\ny"\n'])
  })

  test('keeps its own names when a field has the same', () => {
    log.info('m', { level: 'mine', message: 'mine', timestamp: 1, source: 'worker', 'log.record.uid': 'forged' })
    expect(last()).toMatchObject({
      level: 'INFO',
      message: 'm',
      'fields.level': 'mine',
      'fields.message': 'mine',
      'fields.timestamp': 1,
      source: 'worker',
    })
    expect(last().id).not.toBe('forged')
  })
})

describe('levels', () => {
  test.each<[Level, string[]]>([
    ['DEBUG', ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL']],
    ['WARNING', ['WARNING', 'ERROR', 'CRITICAL']],
    ['CRITICAL', ['CRITICAL']],
  ])('LOG_LEVEL=%s lets through what is as bad or worse', (level, written) => {
    const logger = loggerAt(level)
    const ids = [logger.debug('m'), logger.info('m'), logger.warning('m'), logger.error('m'), logger.critical('m')]
    expect(lines.map((line) => JSON.parse(line).level)).toEqual(written)
    expect(ids.filter(Boolean)).toHaveLength(written.length)
    expect(logger.isEnabled('INFO')).toBe(written.includes('INFO'))
  })
})

describe('errors', () => {
  test('as the second argument and in the field error become an exception with its causes', () => {
    const error = new TypeError('bad', { cause: new Error('socket closed', { cause: new RangeError('deep') }) })
    for (const given of [error, { error, attempt: 2 }]) {
      log.error('failed', given)
      expect(last()).toMatchObject({ 'exception.type': 'TypeError', 'exception.message': 'bad' })
      expect(last()['exception.stacktrace']).toMatch(
        /^TypeError: bad\n {4}at [\s\S]+Caused by: Error: socket closed\n[\s\S]+Caused by: RangeError: deep\n/,
      )
      expect(last()).not.toHaveProperty('error')
    }
    expect(last().attempt).toBe(2)
  })

  test('as the message give it as well', () => {
    Reflect.apply(log.error, log, [new TypeError('bad'), { attempt: 2 }])
    expect(last()).toMatchObject({ message: 'bad', 'exception.type': 'TypeError', 'exception.message': 'bad', attempt: 2 })
  })

  test.each(['error', 'err', 'exc_info', 'exception'])('in a field %s, as other loggers have it, become an exception', (name) => {
    log.error('failed', { [name]: new TypeError('bad') })
    expect(last()).toMatchObject({ 'exception.type': 'TypeError', 'exception.message': 'bad' })
    expect(last()).not.toHaveProperty(name)
  })

  test('in a field of another name do so too, and leave a word there; further ones are described', () => {
    log.error('failed', { reason: new TypeError('bad'), error: new RangeError('worse'), deep: { cause: new Error('deep') } })
    expect(last()).toMatchObject({
      'exception.type': 'TypeError',
      reason: 'TypeError: bad',
      error: { type: 'RangeError', message: 'worse', stack: expect.stringContaining('at ') },
      deep: { cause: { type: 'Error', message: 'deep' } },
    })
  })

  test('of a call win over those of its child logger', () => {
    log.child({ error: new TypeError('old') }).error('failed', new RangeError('new'))
    expect(last()).toMatchObject({ 'exception.type': 'RangeError', 'exception.message': 'new' })
  })

  test('with causes in a circle, and of many parts, end', () => {
    const circle = new Error('a')
    circle.cause = new Error('b', { cause: circle })
    log.error('circle', circle)
    expect(last()['exception.stacktrace'].match(/Caused by/g)).toHaveLength(1)
    log.error(
      'parts',
      new AggregateError(
        Array.from({ length: 50 }, (_, index) => new Error(`part ${index}`)),
        'all failed',
      ),
    )
    expect(last()['exception.stacktrace'].match(/Caused by/g)).toHaveLength(3)
  })

  test('with a message of a megabyte keep their stack, and the fields beside them', () => {
    log.error('failed', {
      error: new Error('x'.repeat(1_000_000), { cause: new Error('deep') }),
      voice: 'Kore',
      reason: 'y'.repeat(10_000),
    })
    expect(last()).toMatchObject({ voice: 'Kore', reason: 'y'.repeat(10_000) })
    expect(last()['exception.message']).toMatch(/^x+… \[\d+ more characters cut\]$/)
    expect(last()['exception.stacktrace']).toMatch(/^Error: \[1000000 characters\]\n {4}at .+Caused by: Error: deep\n/s)
  })

  test('of a class without a name of its own have the name of the class', () => {
    class QuotaError extends Error {}
    log.error('failed', new QuotaError('used up'))
    expect(last()['exception.type']).toBe('QuotaError')
  })

  test('in text form print their stack below the line', () => {
    loggerAt('INFO', 'text').error('failed', new Error('bad'))
    expect(lines[0]).toMatch(/ - ERROR - failed exception\.type=Error exception\.message=bad\nError: bad\n {4}at /)
  })
})

describe('secrets', () => {
  test('are taken out of message, fields and exception, at any depth, and not out of the caller’s object', () => {
    const fields = {
      password: 'hunter2',
      request: { headers: { authorization: 'Bearer hunter2' } },
      url: 'http://a/?key=hunter2',
      error: new Error('password=hunter2'),
    }
    log.error('login of ann@example.com with token=hunter2 failed', fields)
    expect(lines[0]).not.toMatch(/hunter2|ann@/)
    expect(last().message).toBe('login of [REDACTED] with token=[REDACTED] failed')
    expect(fields.request.headers.authorization).toBe('Bearer hunter2')
  })
})

describe('any value', () => {
  test.each<[string, unknown, unknown]>([
    ['a bigint', 12n, '12'],
    ['a date', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['bytes', new Uint8Array(4_096), '[4096 bytes]'],
    ['a buffer', Buffer.from('audio'), '[5 bytes]'],
    ['NaN', Number.NaN, 'NaN'],
    ['a map', new Map([['a', 1]]), { a: 1 }],
    ['a set', new Set([1, undefined]), [1, null]],
    ['a URL', new URL('http://h/a'), 'http://h/a'],
    ['a function', Math.max, '[function max]'],
    ['a symbol', Symbol('s'), 'Symbol(s)'],
    ['null', null, null],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  ])('%s', (_, value, shown) => {
    log.info('m', { value })
    expect(last().value).toEqual(shown)
  })

  test('undefined is left out', () => {
    log.info('m', { value: undefined })
    expect(last()).not.toHaveProperty('value')
  })

  test('circles, throwing getters and huge structures neither throw nor fill the disk', () => {
    const circle: Record<string, unknown> = {}
    circle.self = circle
    log.info('circle', { circle })
    log.info('huge', { list: Array.from({ length: 1_000_000 }, (_, index) => index) })
    expect(lines.at(-1)!.length).toBeLessThan(20_000)
  })

  test('what throws when it is looked at costs itself, not the record', () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    const bad = {
      get broken(): string {
        throw new Error('no')
      },
      fine: 1,
      json: {
        toJSON() {
          throw new Error('no')
        },
      },
      proxy,
    }
    expect(log.info('bad', bad)).toMatch(/^[0-9a-f-]{36}$/)
    expect(last()).toMatchObject({ broken: '[UNREADABLE]', fine: 1, json: '[UNREADABLE]', proxy: '[UNREADABLE]' })
    log.info('gone', proxy)
    expect(last()).toMatchObject({ message: 'gone', fields: '[UNREADABLE]' })
    for (const message of [Symbol('message'), Object.create(null), proxy, undefined]) {
      expect(Reflect.apply(log.info, log, [message, null])).toMatch(/^[0-9a-f-]{36}$/)
    }
    expect(lines).toHaveLength(6)
  })
})

describe('a child', () => {
  test('adds its fields to every record, and the record’s own win', () => {
    const child = log.child({ job: 'j-1', voice: 'Kore' }).child({ step: 1 })
    child.info('m', { voice: 'Puck' })
    expect(last()).toMatchObject({ logger: 'app.tts', job: 'j-1', step: 1, voice: 'Puck' })
  })

  test('redacts its fields as well', () => {
    log.child({ api_key: 'AIza' }).info('m')
    expect(last().api_key).toBe('[REDACTED]')
  })
})

describe('with a logger provider', () => {
  let telemetry: ReturnType<typeof startTelemetry>
  beforeEach(() => {
    telemetry = startTelemetry()
  })
  afterEach(() => telemetry.stop())

  test('the record has level, message, attributes, time, trace and the id that was returned', () => {
    const id = withRequest({ requestId: 'r-1' }, () =>
      trace.getTracer('test').startActiveSpan('span', (span) => {
        setUser(5)
        span.end()
        return log.warning('slow', { duration: 7.5, password: 'hunter2', nested: { list: [1, 'a'] } })
      }),
    )
    const [record] = telemetry.records()
    const span = telemetry.spans()[0]!.spanContext()
    expect(record).toMatchObject({ severityNumber: 13, severityText: 'WARNING', body: 'slow', instrumentationScope: { name: 'app.tts' } })
    expect(record?.spanContext).toMatchObject({ traceId: span.traceId, spanId: span.spanId })
    expect(record?.hrTime[0]).toBe(Math.floor(time.getTime() / 1_000))
    expect(record?.attributes).toEqual({
      'log.record.uid': id,
      source: 'app.tts',
      request_id: 'r-1',
      user_id: '5',
      duration: 7.5,
      password: '[REDACTED]',
      nested: { list: [1, 'a'] },
    })
    expect(Object.keys(record?.attributes ?? {})[0]).toBe('log.record.uid')
    expect(last()).toMatchObject({ id, trace_id: span.traceId, span_id: span.spanId })
  })

  test('ids that the caller gives win over the request’s, and are strings', () => {
    withRequest({ requestId: 'r-1' }, () => log.info('m', { request_id: 12_345, user_id: 1 }))
    expect(telemetry.records()[0]?.attributes).toMatchObject({ request_id: '12345', user_id: '1' })
  })

  test('an error is an exception on the record', () => {
    log.critical('failed', new Error('bad'))
    expect(telemetry.records()[0]?.attributes).toMatchObject({ 'exception.type': 'Error', 'exception.message': 'bad' })
  })

  test('a level that is off emits nothing', () => {
    loggerAt('ERROR').info('m')
    expect(telemetry.records()).toHaveLength(0)
  })

  test('a logger made before registration uses the provider that is registered now', () => {
    log.info('first')
    telemetry.stop()
    log.info('between')
    telemetry = startTelemetry()
    log.info('second')
    expect(telemetry.records().map(({ body }) => body)).toEqual(['second'])
    expect(lines).toHaveLength(3)
  })
})

test('a console that fails does not reach the app', () => {
  const logger = createLogging({
    settings: () => ({ level: 'INFO', format: 'json' }),
    write: () => {
      throw new Error('EIO')
    },
  }).getLogger('app')
  expect(logger.info('m')).toMatch(/^[0-9a-f-]{36}$/)
})
