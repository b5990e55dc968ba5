/** `tts-otel/winston`: what winston logs becomes OpenTelemetry log records. */
import { Writable } from 'node:stream'
import { processConfig } from '../config.ts'
import { createRedactor, type Redactor } from '../log/redact.ts'
import { createBridge } from './emit.ts'
import { isInfo, isWanted, type Levels, toRecord } from './winston-info.ts'
import { stampMoments } from './winston-moment.ts'

export type WinstonOtelOptions = {
  /** Least level that is passed on, by its name in the logger's levels. Default: the logger's. */
  readonly level?: string
  /** Source of the records of loggers without a label. Default `winston`. */
  readonly name?: string
}

/** A transport as winston takes it: a writable stream of objects with a `log`. */
export type WinstonTransport = Writable & { level?: string; log(info: unknown, next: () => void): void }

/** A format as `winston.format.combine` takes it. */
export type WinstonFormat = { transform<I extends Readonly<Record<string, unknown>>>(info: I): I }

/**
 * Makes a transport: `logger.add(winstonOtel())`. Records get the request and the span of the moment of the call, also when another
 * transport is slow, and the SDK that is registered here takes them. Needs no package of winston's. Never throws.
 */
export function winstonOtel({ level, name = 'winston' }: WinstonOtelOptions = {}): WinstonTransport {
  const bridge = createBridge()
  let parent: Levels | undefined

  function log(info: unknown, next: () => void): void {
    if (isInfo(info) && isWanted(info, parent, transport.level)) bridge(toRecord(info, name))
    next()
  }

  const stream = new Writable({ objectMode: true, write: (info, _encoding, done) => log(info, done) })
  const transport: WinstonTransport = Object.assign(stream, { log, ...(level === undefined ? {} : { level }) })
  transport.on('pipe', (logger: Writable & Levels) => {
    parent = logger
    const restore = stampMoments(logger)
    transport.once('unpipe', restore)
  })
  return transport
}

/**
 * A winston format that takes secrets out of what all transports get: `format.combine(redactSecrets(), format.json())`. Put it behind formats
 * that change the message (splat, errors) and in front of the one that makes the text. The caller's objects stay as they are.
 */
export function redactSecrets(): WinstonFormat {
  let redactor: Redactor | undefined
  return {
    transform(info) {
      redactor ??= createRedactor(processConfig().config.log)
      // An error keeps message and stack where a copy would lose them.
      const fields = info instanceof Error ? { ...info, message: info.message, stack: info.stack } : { ...info }
      return redactor.attributes(fields)
    },
  }
}
