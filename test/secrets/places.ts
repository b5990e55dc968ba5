/** Writes every kind of secret to every place of telemetry that an app can reach. Each place names itself, so that a test sees that it was reached. */
import { Console } from 'node:console'
import { Writable } from 'node:stream'
import { context, createTraceState, logs, metrics, propagation, SeverityNumber, type Span, SpanStatusCode, trace } from '@opentelemetry/api'
import pino from 'pino'
import winston from 'winston'
import { pinoOtel } from '../../src/bridge/pino.ts'
import { winstonOtel } from '../../src/bridge/winston.ts'
import { getLogger } from '../../src/log/logger.ts'
import { setUser, withRequest } from '../../src/request-context.ts'
import { freezeDeep, SECRET_FIELDS, type Secret } from './kinds.ts'

type Place = (text: string, secret: Secret) => void

const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
const quietConsole = new Console(nowhere)
const logger = getLogger('secrets')
const pinoLogger = pino({}, pinoOtel())
const winstonLogger = winston.createLogger({ transports: [winstonOtel()] })
const meter = metrics.getMeter('secrets')
const counter = meter.createCounter('secrets.counter')

function inSpan(name: string, work: (span: Span) => void): void {
  const span = trace.getTracer('secrets').startSpan(name)
  work(span)
  span.end()
}

/** An error with a cause that says it as well. */
function errorOf(text: string): Error {
  return Object.assign(
    new Error(text, { cause: new Error(`cause ${text}`) }),
    freezeDeep({ config: { headers: { ...SECRET_FIELDS }, note: text } }),
  )
}

/** Names of all, for the test. */
export const PLACES: Readonly<Record<string, Place>> = {
  'span-name': (text) => inSpan(text, () => {}),
  'span-attribute': (text) => inSpan('place', (span) => void span.setAttribute('note', text)),
  'span-attribute-list': (text) => inSpan('place', (span) => void span.setAttribute('notes', freezeDeep(['plain', text]))),
  'span-attributes-by-name': (text) =>
    inSpan('place', (span) => void span.setAttributes(freezeDeep({ ...SECRET_FIELDS, note: text, 'db.query.text': `SELECT '${text}'` }))),
  'span-event': (text) => inSpan('place', (span) => void span.addEvent(text, freezeDeep({ note: text, ...SECRET_FIELDS }))),
  'span-link': (text, { needle }) =>
    inSpan('place', (span) => {
      const traceState = createTraceState(`vendor=password:${needle.replace(/[ =,]/g, '')},other=fine`)
      const spanContext = freezeDeep({ traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1, traceState })
      span.addLink(freezeDeep({ context: spanContext, attributes: { note: text, ...SECRET_FIELDS } }))
    }),
  'span-status': (text) => inSpan('place', (span) => void span.setStatus({ code: SpanStatusCode.ERROR, message: text })),
  'span-exception': (text) => inSpan('place', (span) => span.recordException(errorOf(text))),
  'scope-name': (text) => trace.getTracer(text, text).startSpan('place').end(),
  'log-body': (text) => logs.getLogger('secrets').emit({ body: text, severityNumber: SeverityNumber.INFO, eventName: text }),
  'log-body-object': (text) =>
    logs.getLogger('secrets').emit({ body: freezeDeep({ note: text, deep: [{ ...SECRET_FIELDS }], bytes: Buffer.from(text) }) }),
  'log-attributes': (text) =>
    logs.getLogger('secrets').emit({ body: 'place', attributes: freezeDeep({ note: text, deep: { list: [text, { ...SECRET_FIELDS }] } }) }),
  'logger-message': (text) => void logger.info(text),
  'logger-fields': (text) =>
    void logger.warning('place', freezeDeep({ note: text, deep: [{ list: [text], ...SECRET_FIELDS }], map: new Map([['note', text]]) })),
  'logger-child': (text) => void logger.child(freezeDeep({ note: text, ...SECRET_FIELDS })).error('place'),
  'logger-error': (text) => void logger.error('place', errorOf(text)),
  'logger-error-field': (text) => void logger.critical('place', freezeDeep({ failure: errorOf(text), nested: { failure: errorOf(text) } })),
  'logger-name': (text) => void getLogger(text).info('place'),
  'field-name': (text) => void logger.info('place', freezeDeep({ [text]: 1 })),
  'request-id': (text) => void withRequest({ requestId: text, userId: text }, () => logger.info('place')),
  user: (text) =>
    withRequest({}, () => {
      setUser(text)
      logger.info('place')
    }),
  'metric-attribute': (text) => counter.add(1, freezeDeep({ note: text, ...SECRET_FIELDS })),
  'metric-scope': (text) => metrics.getMeter(text).createCounter('secrets.scope').add(1),
  pino: (text) => pinoLogger.child(freezeDeep({ bound: text })).info(freezeDeep({ note: text, ...SECRET_FIELDS }), text),
  'pino-error': (text) => pinoLogger.error(errorOf(text), 'place'),
  winston: (text) => void winstonLogger.info(text, freezeDeep({ note: text, deep: { ...SECRET_FIELDS } })),
  'winston-error': (text) => void winstonLogger.error('place', errorOf(text)),
  console: (text) => quietConsole.log(text, freezeDeep({ note: text, deep: { ...SECRET_FIELDS } })),
  'console-error': (text) => quietConsole.error('place', errorOf(text)),
}

/** A context whose baggage holds `text`, by value, by name and as a property. */
export function withBaggage<T>(text: string, secretName: string, fn: () => T): T {
  const baggage = propagation.createBaggage({
    note: { value: text },
    [secretName]: { value: 'nEeDlEbYnAmE1' },
    plain: { value: 'baggage-plain' },
  })
  return context.with(propagation.setBaggage(context.active(), baggage), fn)
}
