import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseConfig } from '../../../src/config.ts'
import { parseSettings } from '../../../src/log/settings/yaml.ts'
import { planOfEnvironment } from '../../../src/log/settings.ts'

const environment = planOfEnvironment(parseConfig({ LOG_LEVEL: 'WARNING' }).config.log)
const parse = (text: string) => parseSettings(text, environment)
const planOf = (text: string) => {
  const { plan, problems } = parse(text)
  expect(problems).toEqual([])
  return plan
}

const PYTHON = readFileSync(new URL('../../fixtures/logging/python.yaml', import.meta.url), 'utf8')

describe('the file of a Python service', () => {
  test('loads as it is', () => {
    expect(planOf(PYTHON)).toEqual({
      sinks: {
        console: { kind: 'console', level: 'INFO', stream: 'stdout', form: 'json' },
        file: { kind: 'file', level: 'DEBUG', path: 'logs/tts_api.log', bytesMax: 10_485_760, backupsMax: 5, form: 'json' },
        database: { kind: 'otlp', level: 'WARNING' },
      },
      root: { level: 'INFO', sinks: ['console', 'file', 'database'], propagate: true },
      loggers: {
        app: { level: 'DEBUG', sinks: ['console', 'file', 'database'], propagate: false },
        celery: { level: 'INFO', sinks: ['console', 'file'], propagate: false },
      },
      disableExisting: false,
    })
  })

  test.each([
    ['pythonjsonlogger.jsonlogger.JsonFormatter', 'json'],
    ['pythonjsonlogger.json.JsonFormatter', 'json'],
    ['app.logs.OurJsonFormatter', 'json'],
    ['logging.Formatter', 'text'],
  ])('a formatter %s gives %s', (name, form) => {
    for (const key of ['class', '"()"'])
      expect(
        planOf(`formatters: {f: {${key}: ${name}, format: '%(message)s', datefmt: '%H:%M'}}\nhandlers: {c: {class: console, formatter: f}}`)
          .sinks.c,
      ).toMatchObject({ form })
  })

  test('a plain format is text', () => {
    expect(
      planOf(`formatters: {f: {format: '%(asctime)s - %(message)s'}}\nhandlers: {c: {class: console, formatter: f}}`).sinks.c,
    ).toMatchObject({ form: 'text' })
  })

  test('streams are where Python has them', () => {
    const { sinks } = planOf(`handlers:
      out: {class: logging.StreamHandler, stream: ext://sys.stdout}
      err: {class: logging.StreamHandler, stream: ext://sys.stderr}
      unsaid: {class: logging.StreamHandler}`)
    expect(sinks).toMatchObject({ out: { stream: 'stdout' }, err: { stream: 'stderr' }, unsaid: { stream: 'stderr' } })
  })

  test('any DatabaseHandler is OTLP, whatever else it is given', () => {
    expect(planOf('handlers: {db: {class: app.handlers.DatabaseHandler, level: ERROR, dsn: "postgres://db"}}').sinks.db).toEqual({
      kind: 'otlp',
      level: 'ERROR',
    })
  })

  test('levels are names in any case, or numbers', () => {
    const { loggers } = planOf(
      'loggers: {a: {level: warn}, b: {level: 10}, c: {level: NOTSET}, d: {level: 0}, e: {}, f: {level: Critical}}',
    )
    expect(Object.values(loggers).map(({ level }) => level)).toEqual(['WARNING', 'DEBUG', 'NOTSET', 'NOTSET', 'NOTSET', 'CRITICAL'])
  })

  test('words are true and false as in YAML 1.1, and anchors and merges work', () => {
    const { loggers, disableExisting } = planOf(`disable_existing_loggers: yes
handlers: {console: {class: console}}
loggers:
  a: &quiet {level: ERROR, handlers: [console], propagate: no}
  b: *quiet
  c: {<<: *quiet, level: INFO}`)
    expect(disableExisting).toBe(true)
    expect(loggers.a).toEqual({ level: 'ERROR', sinks: ['console'], propagate: false })
    expect(loggers.b).toEqual(loggers.a)
    expect(loggers.c).toEqual({ level: 'INFO', sinks: ['console'], propagate: false })
  })
})

describe('docs/logging.md', () => {
  const blocks = [...readFileSync(new URL('../../../docs/logging.md', import.meta.url), 'utf8').matchAll(/```yaml\n([\s\S]*?)```/g)].map(
    (match) => match[1] ?? '',
  )

  test('shows files that load', () => {
    expect(blocks).toHaveLength(2)
    for (const block of blocks) expect(parse(block).problems).toEqual([])
  })

  test('says of its own file what it means', () => {
    const { sinks, loggers } = planOf(blocks[0] ?? '')
    expect(sinks).toMatchObject({
      console: { kind: 'console', stream: 'stdout', level: 'INFO' },
      file: { kind: 'file', path: 'logs/tts.log', level: 'DEBUG' },
      otlp: { kind: 'otlp', level: 'WARNING' },
    })
    expect(loggers).toMatchObject({ 'app.tts': { level: 'DEBUG', propagate: true }, 'app.access': { sinks: ['file'], propagate: false } })
  })
})

describe('names of our own', () => {
  test('console, file and otlp; json, text and pretty', () => {
    const { sinks } = planOf(`handlers:
  screen: {class: console, format: pretty}
  log: {class: file, filename: a.log, format: text}
  away: {class: otlp, level: warning}
root: {level: INFO, handlers: [screen, log, away]}`)
    expect(sinks).toEqual({
      screen: { kind: 'console', level: undefined, stream: 'stdout', form: 'pretty' },
      log: { kind: 'file', level: undefined, path: 'a.log', bytesMax: undefined, backupsMax: undefined, form: 'text' },
      away: { kind: 'otlp', level: 'WARNING' },
    })
  })
})

describe('what the file leaves out', () => {
  test('without a root, LOG_LEVEL and the sinks of the environment hold', () => {
    const { root, sinks } = planOf('handlers: {errors: {class: console, stream: stderr}}\nloggers: {app: {handlers: [errors]}}')
    expect(root).toEqual(environment.root)
    expect(Object.keys(sinks)).toEqual(['console', 'otlp', 'errors'])
  })

  test('a root without a level has LOG_LEVEL', () => {
    expect(planOf('handlers: {c: {class: console}}\nroot: {handlers: [c]}').root.level).toBe('WARNING')
    expect(planOf(`handlers: {c: {class: console}}\nloggers: {'': {handlers: [c]}}`).root).toMatchObject({ level: 'WARNING', sinks: ['c'] })
  })

  test('without a formatter, LOG_FORMAT holds', () => {
    const text = planOfEnvironment(parseConfig({ LOG_FORMAT: 'text' }).config.log)
    expect(parseSettings('handlers: {c: {class: console}}', text).plan.sinks.c).toMatchObject({ form: 'text' })
    expect(planOf('handlers: {c: {class: console}}').sinks.c).toMatchObject({ form: 'auto' })
  })
})

describe('what is wrong', () => {
  test('is told all at once, each with its line', () => {
    const { problems } = parse(`version: 2
handlers:
  console: {class: logging.StreamHandler, level: LOUD, stream: ext://sys.stdin}
  mail:
    class: logging.handlers.SMTPHandler
  file:
    class: file
    maxBytes: 10MB
    formatter: none
  empty:
loggers:
  app:
    handlers: [consle]
    propagate: maybe
  db: {handlers: console}
rooot: {}
`)
    expect(problems).toEqual([
      'line 1: version is 2: only 1 exists',
      'line 3: handlers.console.level is "LOUD": it has to be DEBUG, INFO, WARNING, ERROR, CRITICAL or NOTSET',
      'line 3: handlers.console.stream is "ext://sys.stdin": it has to be ext://sys.stdout, ext://sys.stderr, stdout, stderr',
      'line 5: handlers.mail.class is "logging.handlers.SMTPHandler", which is not supported: use console (logging.StreamHandler), file (logging.handlers.RotatingFileHandler), otlp (any class that ends in DatabaseHandler)',
      'line 6: handlers.file has no filename: name the file to write to',
      'line 8: handlers.file.maxBytes is "10MB": it has to be a whole number, 0 or more',
      'line 9: handlers.file.formatter is "none", which is not under formatters',
      'line 10: handlers.empty has no class: use console (logging.StreamHandler), file (logging.handlers.RotatingFileHandler), otlp (any class that ends in DatabaseHandler)',
      'line 13: loggers.app.handlers names "consle", which is not under handlers: console, mail, file, empty are',
      'line 14: loggers.app.propagate is "maybe": it has to be true or false',
      'line 15: loggers.db.handlers is "console": it has to be a list, [console]',
      'line 16: rooot is not known: version, disable_existing_loggers, incremental, formatters, filters, handlers, root, loggers are',
    ])
  })

  test.each([
    [
      'a typo in a handler',
      'handlers:\n  c:\n    class: console\n    levle: INFO',
      'line 4: handlers.c.levle is not known: class, (), level, formatter, format, stream are',
    ],
    [
      'a formatter of another class',
      'formatters:\n  f: {class: colorlog.ColoredFormatter}',
      'line 2: formatters.f.class is "colorlog.ColoredFormatter", which is not supported: use format: json, text or pretty',
    ],
    [
      'pretty in a file',
      'handlers:\n  f: {class: file, filename: a, format: pretty}',
      'line 2: handlers.f.format is pretty, which is for a terminal: use json or text',
    ],
    [
      'a file that is emptied',
      'handlers:\n  f: {class: file, filename: a, mode: w}',
      'line 2: handlers.f.mode is "w": files are only added to, leave it out',
    ],
    ['filters', 'filters: {quiet: {name: app}}', 'line 1: filters is not supported: set levels of loggers and handlers instead'],
    ['an increment', 'incremental: true', 'line 1: incremental is not supported: write the whole file, it is read anew at each change'],
    ['a list', '- console', 'line 1: is ["console"]: it has to be a mapping, name: value'],
    ['nothing', '', 'line 1: the file is empty: it needs handlers, and loggers or a root'],
    ['a key that comes twice', 'root: {}\nroot: {}', 'line 2: Map keys must be unique'],
    [
      'a bracket that is open',
      'root:\n  handlers: [console',
      'line 2: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
  ])('%s', (_, text, problem) => expect(parse(text).problems).toContain(problem))

  test('an alias is told where it is used', () => {
    const { problems } = parse('handlers:\n  a: &x {class: console, color: 1}\n  b: *x\n')
    expect(problems.map((problem) => problem.slice(0, 26))).toEqual(['line 2: handlers.a.color i', 'line 3: handlers.b.color i'])
  })

  test('a file that unfolds into millions of values is refused, at once', () => {
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...'bcdefghi'.split('').map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[index]}`).join()}]`),
    ]
    expect(() => parse(bomb.join('\n'))).toThrow(/alias/)
  })

  test('long values are shown by their beginning', () => {
    expect(parse(`version: ${'x'.repeat(10_000)}`).problems[0]!.length).toBeLessThan(150)
  })
})
