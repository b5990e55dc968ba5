import { context, trace } from '@opentelemetry/api'
import pino from 'pino'
import { describe, expect, test } from 'vitest'
import { pinoOtel, requestFields } from '../../src/bridge/pino.ts'
import { withRequest } from '../../src/request-context.ts'
import { attributesOf, openBridged } from './bridge-support.ts'

const bridged = openBridged()

function quiet(options: pino.LoggerOptions = {}) {
  return pino({ level: 'trace', ...options }, pinoOtel({ print: false }))
}

test('a line becomes a record with its time, its fields, an id of its own, the request and the span of the call', async () => {
  const span = bridged.tracer.getTracer('test').startSpan('job')
  const logger = quiet({ name: 'app.tts' })
  withRequest({ requestId: 'r-1', userId: 'u-1' }, () =>
    context.with(trace.setSpan(context.active(), span), () =>
      logger.info({ text_length: 100, voice: { name: 'Kore' } }, 'pino started %s', 'now'),
    ),
  )
  span.end()
  const record = await bridged.logged('pino started now')
  const [id, ...rest] = attributesOf(
    record,
    'log.record.uid',
    'source',
    'request_id',
    'user_id',
    'text_length',
    'pid',
    'hostname',
    'level',
    'time',
  )
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/)
  expect(rest).toEqual(['app.tts', 'r-1', 'u-1', expect.anything(), undefined, undefined, undefined, undefined])
  expect(record).toMatchObject({
    severityNumber: 9,
    severityText: 'info',
    traceId: span.spanContext().traceId,
    spanId: span.spanContext().spanId,
  })
})

test('children bring their bindings, errors become exceptions', async () => {
  const child = quiet().child({ component: 'queue' }).child({ job: 'j-1' })
  const error = Object.assign(new TypeError('no voice'), { code: 'E_VOICE', cause: new Error('inner reason') })
  child.error(error, 'pino failed')
  child.error(error)
  const [type, message, stack, component, job] = attributesOf(
    await bridged.logged('pino failed'),
    'exception.type',
    'exception.message',
    'exception.stacktrace',
    'component',
    'job',
  )
  expect([type, message, component, job]).toEqual(['TypeError', 'no voice: inner reason', 'queue', 'j-1'])
  expect(stack).toContain('inner reason')
  expect(JSON.stringify(await bridged.logged('no voice'))).toContain('E_VOICE')
})

describe('levels', () => {
  test.each([
    ['trace', 1],
    ['debug', 5],
    ['info', 9],
    ['warn', 13],
    ['error', 17],
    ['fatal', 21],
  ] as const)('%s is severity %i', async (level, severityNumber) => {
    quiet()[level](`pino at ${level}`)
    expect(await bridged.logged(`pino at ${level}`)).toMatchObject({ severityNumber, severityText: level })
  })

  test('custom ones lie between their neighbours, whatever the line calls them', async () => {
    const logger = pino(
      { customLevels: { notice: 35, panic: 90 }, formatters: { level: (label) => ({ level: label.toUpperCase() }) } },
      pinoOtel({ print: false }),
    )
    logger.notice('pino notice')
    logger.panic('pino panic')
    expect(await bridged.logged('pino notice')).toMatchObject({ severityNumber: 11, severityText: 'notice' })
    expect(await bridged.logged('pino panic')).toMatchObject({ severityNumber: 24, severityText: 'panic' })
  })
})

test('other keys for the message and the error, another form of the time, another base', async () => {
  const logger = quiet({ messageKey: 'message', errorKey: 'failure', timestamp: pino.stdTimeFunctions.isoTime, base: { region: 'eu' } })
  logger.warn({ failure: new RangeError('too long') }, 'pino keyed')
  const record = await bridged.logged('pino keyed')
  expect(attributesOf(record, 'exception.type', 'exception.message', 'region', 'time')).toEqual(['RangeError', 'too long', 'eu', undefined])
})

test('lines are printed without their secrets, and so are the records', async () => {
  const printed: string[] = []
  const logger = pino(pinoOtel({ print: (line) => void printed.push(line) }))
  const fields = Object.freeze({ password: 'hunter2', deep: Object.freeze([Object.freeze({ token: 'hunter2' })]) })
  logger.info(fields, 'pino login of bob@example.com')
  logger.info('pino plain')
  expect(printed).toHaveLength(2)
  expect(JSON.parse(printed[0]!)).toMatchObject({ password: '[REDACTED]', msg: 'pino login of [REDACTED]' })
  expect(printed.join('')).not.toMatch(/hunter2|bob@/)
  expect(printed[1]).toMatch(/"msg":"pino plain"}\n$/)
  expect(JSON.stringify(await bridged.all())).not.toMatch(/hunter2|bob@/)
})

test('beside another stream, in a multistream', async () => {
  const lines: string[] = []
  const logger = pino(
    {},
    pino.multistream([{ stream: { write: (line: string) => void lines.push(line) } }, { stream: pinoOtel({ print: false }) }]),
  )
  logger.info('pino twice')
  expect(lines).toHaveLength(1)
  await bridged.logged('pino twice')
})

test('with requestFields as the mixin each line carries the ids itself', async () => {
  const printed: string[] = []
  const span = bridged.tracer.getTracer('test').startSpan('job')
  const logger = pino({ mixin: requestFields }, pinoOtel({ print: (line) => void printed.push(line) }))
  withRequest({ requestId: 'r-2' }, () => context.with(trace.setSpan(context.active(), span), () => logger.info('pino mixed')))
  logger.info('pino unmixed')
  const { traceId, spanId } = span.spanContext()
  span.end()
  expect(JSON.parse(printed[0]!)).toMatchObject({ trace_id: traceId, span_id: spanId, trace_flags: '01', request_id: 'r-2' })
  expect(JSON.parse(printed[1]!)).not.toHaveProperty('trace_id')
  const record = await bridged.logged('pino mixed')
  expect(record).toMatchObject({ traceId, spanId })
  expect(attributesOf(record, 'trace_id', 'span_id', 'trace_flags', 'request_id')).toEqual([undefined, undefined, undefined, 'r-2'])
})

test('what is no JSON is passed on as a text', async () => {
  const printed: string[] = []
  const destination = pinoOtel({ print: (line) => void printed.push(line) })
  destination.write('pretty: password=hunter2\n')
  expect(printed).toEqual(['pretty: password=[REDACTED]\n'])
  await bridged.logged('pretty: password=[REDACTED]')
})
