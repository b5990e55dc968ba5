import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Logger } from '../../../src/log/logger.ts'
import { runNode } from '../../support/run-node.ts'
import { startTelemetry } from '../../tts/support.ts'
import { followLoggingFile, type LoggingFile } from '../support/logging-file.ts'

const files: LoggingFile[] = []
const follow: typeof followLoggingFile = (yaml, env) => {
  const file = followLoggingFile(yaml, env)
  files.push(file)
  return file
}
let telemetry: ReturnType<typeof startTelemetry>
beforeEach(() => {
  telemetry = startTelemetry()
})
afterEach(() => {
  telemetry.stop()
  for (const file of files.splice(0)) file.remove()
})

/** One record of each level. */
function logAll(log: Logger): void {
  log.debug('d')
  log.info('i')
  log.warning('w')
  log.error('e')
}
const sent = () =>
  telemetry.records().map(({ severityText, instrumentationScope, body }) => `${severityText} ${instrumentationScope.name} ${body}`)

const HANDLERS = 'handlers: {file: {class: file, filename: FILE, format: json}, otlp: {class: otlp, level: WARNING}}\n'

describe('levels', () => {
  test('each sink takes what is as bad as its level or worse', () => {
    const { logger, lines } = follow(`${HANDLERS}root: {level: INFO, handlers: [file, otlp]}`)
    logAll(logger('app.tts'))
    expect(lines()).toEqual(['INFO app.tts i', 'WARNING app.tts w', 'ERROR app.tts e'])
    expect(sent()).toEqual(['WARNING app.tts w', 'ERROR app.tts e'])
  })

  test('a logger has the level of the nearest one above it that has one', () => {
    const { logger, lines } = follow(`${HANDLERS}root: {level: ERROR, handlers: [file]}
loggers: {app: {level: INFO}, app.tts: {}, app.tts.queue: {level: DEBUG}}`)
    logAll(logger('app.tts.player'))
    logAll(logger('app.tts.queue'))
    logAll(logger('apple'))
    expect(lines().map((line) => line.slice(0, -2))).toEqual([
      ...['INFO', 'WARNING', 'ERROR'].map((level) => `${level} app.tts.player`),
      ...['DEBUG', 'INFO', 'WARNING', 'ERROR'].map((level) => `${level} app.tts.queue`),
      'ERROR apple',
    ])
  })

  test('what no sink takes is not enabled, and gets no id', () => {
    const { logger } = follow(`${HANDLERS}root: {level: DEBUG, handlers: [otlp]}\nloggers: {mute: {propagate: false}}`)
    const log = logger('app')
    expect([log.isEnabled('INFO'), log.isEnabled('WARNING'), log.info('i')]).toEqual([false, true, ''])
    expect(logger('mute').isEnabled('CRITICAL')).toBe(false)
  })
})

describe('sinks', () => {
  const BOTH = 'handlers: {a: {class: file, filename: DIR/a.log, format: json}, b: {class: file, filename: DIR/b.log, format: json}}\n'

  test('a logger writes to its own and to those above it', () => {
    const { logger, lines } = follow(`${BOTH}root: {level: INFO, handlers: [a]}\nloggers: {app: {handlers: [b]}}`)
    logger('app.tts').info('m')
    logger('other').info('m')
    expect([lines('a.log'), lines('b.log')]).toEqual([['INFO app.tts m', 'INFO other m'], ['INFO app.tts m']])
  })

  test('and not to those above one that does not propagate', () => {
    const { logger, lines } = follow(
      `${BOTH}root: {level: INFO, handlers: [a]}\nloggers: {app: {handlers: [b], propagate: false}, app.tts: {level: ERROR}}`,
    )
    logger('app.tts').error('m')
    expect([lines('a.log'), lines('b.log')]).toEqual([[], ['ERROR app.tts m']])
  })

  test('one that is met twice gets a record once', () => {
    const { logger, lines } = follow(`${HANDLERS}root: {level: INFO, handlers: [file, otlp]}\nloggers: {app: {handlers: [file, otlp]}}`)
    logger('app').error('m')
    expect(lines()).toEqual(['ERROR app m'])
    expect(sent()).toEqual(['ERROR app m'])
  })

  test('two handlers of one file share it', () => {
    const { logger, lines } = follow(`handlers:
  all: {class: file, filename: FILE, format: json}
  bad: {class: file, filename: FILE, format: json, level: ERROR}
root: {level: INFO, handlers: [all]}
loggers: {lib: {handlers: [bad], propagate: false}}`)
    logger('app').info('1')
    logger('lib').info('no')
    logger('lib').error('2')
    logger('app').info('3')
    expect(lines()).toEqual(['INFO app 1', 'ERROR lib 2', 'INFO app 3'])
  })

  test('a file that cannot be written takes nothing from the others', () => {
    const { logger } = follow(
      `handlers: {file: {class: file, filename: /dev/null/app.log}, otlp: {class: otlp}}\nroot: {level: INFO, handlers: [file, otlp]}`,
    )
    expect(logger('app').info('m')).not.toBe('')
    expect(sent()).toEqual(['INFO app m'])
  })
})

describe('a wrong file at the start', () => {
  test('is told once, with all that is wrong, and the environment holds', () => {
    const { logger, said, path } = follow('handlers: {c: {class: nothing}}\nroot: {level: LOUD}', { LOG_LEVEL: 'ERROR' })
    const log = logger('app')
    expect([log.isEnabled('WARNING'), log.isEnabled('ERROR')]).toEqual([false, true])
    expect(said).toEqual([
      `${path} has 2 problems:
  - line 1: handlers.c.class is "nothing", which is not supported: use console (logging.StreamHandler), file (logging.handlers.RotatingFileHandler), otlp (any class that ends in DatabaseHandler)
  - line 2: root.level is "LOUD": it has to be DEBUG, INFO, WARNING, ERROR, CRITICAL or NOTSET
  LOG_LEVEL, LOG_FORMAT and LOG_FILE_PATH hold until it is right; it is read again when it changes.`,
    ])
  })

  test.each([
    ['is missing', (path: string) => rmSync(path), /logging\.yaml cannot be read: ENOENT/],
    ['is no YAML', undefined, /has a problem:\n {2}- line 1: /],
  ])('that %s', (_, break_, message) => {
    const { logger, said, path } = follow('{')
    break_?.(path)
    expect(logger('app').isEnabled('INFO')).toBe(true)
    expect(said).toHaveLength(1)
    expect(said[0]).toMatch(message)
  })
})

describe('a process', () => {
  let directory: string
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'tts-otel-log-'))
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  const root = new URL('../../..', import.meta.url).pathname
  const script = (body: string) => [
    '--input-type=module',
    '--eval',
    `const { getLogger } = await import('${root}src/log/logger.ts'); ${body}`,
  ]
  const messages = (text: string) =>
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line).message)

  test('with the Python file writes to stdout and the file by their levels', async () => {
    const body = `const log = getLogger('app.tts'); log.debug('d'); log.info('i'); getLogger('other').debug('d2'); getLogger('other').info('i2')`
    const env = { TTS_OTEL_LOGGING_CONFIG: join(root, 'test/fixtures/logging/python.yaml') }
    const { stdout, stderr, code } = await runNode(script(body), { cwd: directory, env })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(messages(stdout)).toEqual(['i', 'i2'])
    expect(messages(readFileSync(join(directory, 'logs/tts_api.log'), 'utf8'))).toEqual(['d', 'i', 'i2'])
  })

  test('with LOG_FILE_PATH writes to stdout and the file, in the form of LOG_FORMAT', async () => {
    const env = { LOG_FILE_PATH: 'logs/app.log', LOG_FORMAT: 'text', LOG_LEVEL: 'DEBUG' }
    const { stdout } = await runNode(script(`getLogger('app').debug('d', { n: 1 })`), { cwd: directory, env })
    expect(stdout).toMatch(/^.{19} - app - DEBUG - d n=1\n$/)
    expect(readFileSync(join(directory, 'logs/app.log'), 'utf8')).toBe(stdout)
  })

  test('with a wrong LOG_LEVEL and nothing registered is told so once, at the first record', async () => {
    const body = `const log = getLogger('app'); console.error('before'); log.info('a'); getLogger('other').info('b')`
    const { stdout, stderr } = await runNode(script(body), { env: { LOG_LEVEL: 'LOUD' } })
    expect(messages(stdout)).toEqual(['a', 'b'])
    expect(stderr).toMatch(/^before\ntts-otel: 1 wrong setting\. Defaults hold instead\.\n {2}- LOG_LEVEL="LOUD" is not .* using INFO\n$/)
  })

  describe('that is registered, with a wrong logging.yaml', () => {
    const MESSAGE = / {2}- .*logging\.yaml has a problem:\n {4}- line 1: root\.level is "LOUD".*\n {4}LOG_LEVEL, .*it changes\.\n$/
    const start = (body: string, env: Readonly<Record<string, string>> = {}) => {
      writeFileSync(join(directory, 'logging.yaml'), 'root: {level: LOUD}')
      const off = { OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' }
      return runNode(['--import', join(root, 'src/register.ts'), ...script(body)], {
        cwd: directory,
        env: { TTS_OTEL_LOGGING_CONFIG: 'logging.yaml', ...off, ...env },
      })
    }

    test('is told so before it logs anything, and not a second time', async () => {
      const { code, stdout, stderr } = await start(`console.error('app'); getLogger('app').info('a'); console.error('end')`)
      expect({ code, messages: messages(stdout) }).toEqual({ code: 0, messages: ['a'] })
      const [head, tail] = stderr.split('app\n')
      expect(head).toMatch(/^tts-otel: 1 wrong setting\. The app runs on\.\n/)
      expect(head).toMatch(MESSAGE)
      expect(tail).toBe('end\n')
    })

    test('does not start under TTS_OTEL_STRICT=1', async () => {
      const { code, stdout, stderr } = await start(`console.log('app')`, { TTS_OTEL_STRICT: '1' })
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toMatch(MESSAGE)
    })
  })

  test('that never logs reads no logging.yaml', async () => {
    const { stderr } = await runNode(script(`getLogger('app')`), { env: { TTS_OTEL_LOGGING_CONFIG: '/nowhere/logging.yaml' } })
    expect(stderr).toBe('')
  })

  test('with a wrong logging.yaml says so once on stderr, and runs on', async () => {
    const env = { TTS_OTEL_LOGGING_CONFIG: '/nowhere/logging.yaml' }
    const { stdout, stderr, code } = await runNode(script(`getLogger('a').info('1'); getLogger('b').info('2')`), { env })
    expect(code).toBe(0)
    expect(messages(stdout)).toEqual(['1', '2'])
    expect(stderr).toMatch(/^tts-otel: \/nowhere\/logging\.yaml cannot be read: ENOENT[^\n]*\n[^\n]*\n$/)
  })
})
