import { Writable } from 'node:stream'
import { context, trace } from '@opentelemetry/api'
import { describe, expect, test } from 'vitest'
import winston from 'winston'
import { redactSecrets, winstonOtel } from '../../src/bridge/winston.ts'
import { withRequest } from '../../src/request-context.ts'
import { attributesOf, openBridged } from './bridge-support.ts'

const bridged = openBridged()

function create(options: winston.LoggerOptions = {}) {
  return winston.createLogger({ level: 'silly', transports: [winstonOtel()], ...options })
}

test('an info becomes a record with its fields, an id of its own, the request and the span of the call', async () => {
  const span = bridged.tracer.getTracer('test').startSpan('job')
  const logger = create({
    defaultMeta: { service: 'tts' },
    format: winston.format.combine(winston.format.label({ label: 'app.tts' }), winston.format.timestamp(), winston.format.json()),
  })
  withRequest({ requestId: 'r-1', userId: 'u-1' }, () =>
    context.with(trace.setSpan(context.active(), span), () => logger.child({ job: 'j-1' }).info('winston started', { text_length: 100 })),
  )
  span.end()
  const record = await bridged.logged('winston started')
  const [id, ...rest] = attributesOf(record, 'log.record.uid', 'source', 'request_id', 'user_id', 'service', 'job', 'timestamp', 'level')
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/)
  expect(rest).toEqual(['app.tts', 'r-1', 'u-1', 'tts', 'j-1', undefined, undefined])
  expect(record).toMatchObject({ severityNumber: 9, severityText: 'info', traceId: span.spanContext().traceId })
})

test('errors become exceptions, however they are handed over', async () => {
  const logger = create()
  const error = new TypeError('no voice', { cause: new Error('inner reason') })
  logger.error('winston failed', error)
  logger.error('winston failed as well', { error })
  logger.error(new RangeError('winston alone'))
  create({ format: winston.format.errors({ stack: true }) }).error(new RangeError('winston formatted'))
  const names = ['exception.type', 'exception.message'] as const
  expect(attributesOf(await bridged.logged('winston failed no voice'), ...names)).toEqual(['TypeError', 'no voice'])
  expect(attributesOf(await bridged.logged('winston failed as well'), ...names)).toEqual(['TypeError', 'no voice'])
  expect(attributesOf(await bridged.logged('winston alone'), ...names)).toEqual(['RangeError', 'winston alone'])
  expect(attributesOf(await bridged.logged('winston formatted'), ...names)).toEqual(['RangeError', 'winston formatted'])
  expect(JSON.stringify(await bridged.logged('winston failed as well'))).toContain('inner reason')
})

describe('levels', () => {
  test.each([
    ['npm', winston.config.npm.levels, { error: 17, warn: 13, info: 9, http: 7, verbose: 6, debug: 5, silly: 1 }],
    ['syslog', winston.config.syslog.levels, { emerg: 23, alert: 22, crit: 21, error: 17, warning: 13, notice: 10, info: 9, debug: 5 }],
  ] as const)('%s', async (name, levels, severities) => {
    const logger = winston.createLogger({
      levels,
      level: 'silly' in levels ? 'silly' : 'debug',
      transports: [winstonOtel()],
      format: winston.format.colorize(),
    })
    for (const [level, severityNumber] of Object.entries(severities)) {
      logger.log(level, `${name} at ${level}`)
      expect(await bridged.logged(`${name} at ${level}`)).toMatchObject({ severityNumber, severityText: level })
    }
  })

  test("the transport's own level decides before the logger's", async () => {
    const logger = winston.createLogger({ level: 'debug', transports: [winstonOtel({ level: 'warn' })] })
    logger.info('winston too mild')
    logger.warn('winston bad enough')
    await bridged.logged('winston bad enough')
    expect(JSON.stringify(await bridged.all())).not.toContain('too mild')
  })
})

test('with a slow transport beside it, each record still has the request of its own call', async () => {
  const slow = Object.assign(
    new Writable({ objectMode: true, highWaterMark: 1, write: (_info, _encoding, done) => void setTimeout(done, 1) }),
    {
      log: () => {},
    },
  )
  const logger = winston.createLogger({ transports: [slow, winstonOtel()] })
  for (let number = 0; number < 60; number++) withRequest({ requestId: `slow-${number}` }, () => logger.info(`winston slow ${number}`))
  await bridged.logged('winston slow 59')
  const records = (await bridged.all()).filter(({ body }) => body?.stringValue?.startsWith('winston slow'))
  expect(records).toHaveLength(60)
  for (const record of records)
    expect(attributesOf(record, 'request_id')).toEqual([record.body?.stringValue?.replace('winston slow ', 'slow-')])
})

test('secrets are gone from the records, and the objects of the app are as they were', async () => {
  const fields = Object.freeze({ password: 'hunter2', deep: Object.freeze([Object.freeze({ token: 'hunter2' })]) })
  create().info('winston login of bob@example.com', fields)
  await bridged.logged('winston login of [REDACTED]')
  expect(JSON.stringify(await bridged.all())).not.toMatch(/hunter2|bob@/)
})

test('redactSecrets takes them out for all transports', () => {
  const lines: string[] = []
  const stream = new Writable({ write: (line, _encoding, done) => done(lines.push(String(line)) > 0 ? null : undefined) })
  const { combine, splat, json } = winston.format
  const logger = create({ format: combine(splat(), redactSecrets(), json()), transports: [new winston.transports.Stream({ stream })] })
  logger.info('login of %s', 'bob@example.com', { password: 'hunter2' })
  logger.error(new Error('password=hunter2'))
  expect(lines).toHaveLength(2)
  expect(JSON.parse(lines[0]!)).toMatchObject({ level: 'info', message: 'login of [REDACTED]', password: '[REDACTED]' })
  expect(lines.join('')).not.toMatch(/hunter2|bob@/)
})

test('removed from the logger, it leaves nothing behind', () => {
  const transport = winstonOtel()
  const logger = winston.createLogger({ transports: [transport, new winston.transports.Console({ silent: true })] })
  logger.remove(transport)
  expect(Object.hasOwn(logger, 'write')).toBe(false)
})
