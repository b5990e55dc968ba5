import { mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { runNode } from '../../support/run-node.ts'
import { followLoggingFile, type LoggingFile } from '../support/logging-file.ts'

const files: LoggingFile[] = []
const follow: typeof followLoggingFile = (yaml, env) => {
  const file = followLoggingFile(yaml, env)
  files.push(file)
  return file
}
afterEach(() => {
  for (const file of files.splice(0)) file.remove()
})

const HANDLERS = 'handlers: {file: {class: file, filename: FILE, format: json}}\n'
const at = (level: string) => `${HANDLERS}root: {level: ${level}, handlers: [file]}`

function becomeDirectory(path: string): void {
  rmSync(path)
  mkdirSync(path)
}

describe('a change of logging.yaml', () => {
  test('holds for loggers that were there before, and their children', async () => {
    const { logger, lines, change, said, path } = follow(at('WARNING'))
    const log = logger('app')
    const child = log.child({ job: 1 })
    log.info('before')
    await change(at('DEBUG'))
    log.info('after')
    child.debug('child')
    expect(lines()).toEqual(['INFO app after', 'DEBUG app child'])
    expect(said).toEqual([`${path} has changed: its levels and sinks hold now.`])
  })

  test('by an editor that puts a new file in its place is seen, again and again', async () => {
    const { logger, path, directory, said, noticed } = follow(at('ERROR'))
    const log = logger('app')
    expect(log.isEnabled('INFO')).toBe(false)
    for (const level of ['INFO', 'ERROR', 'DEBUG']) {
      const next = join(directory, 'logging.yaml.tmp')
      writeFileSync(next, at(level).replace('FILE', join(directory, 'app.log')))
      const before = said.length
      renameSync(next, path)
      await noticed(before)
      expect(log.isEnabled('INFO')).toBe(level !== 'ERROR')
    }
  })

  test('moves records to another file, and lines that were written before stay', async () => {
    const { logger, lines, change } = follow(at('INFO'))
    const log = logger('app')
    log.info('1')
    await change('handlers: {file: {class: file, filename: DIR/other.log, format: json}}\nroot: {level: INFO, handlers: [file]}')
    log.info('2')
    expect([lines('app.log'), lines('other.log')]).toEqual([['INFO app 1'], ['INFO app 2']])
  })

  test('with disable_existing_loggers silences the loggers it does not name, and the next one brings them back', async () => {
    const { logger, lines, change } = follow(`disable_existing_loggers: true\n${at('INFO')}`)
    const loggers = ['named', 'named.below', 'other'].map(logger)
    const logAll = (message: string) => {
      for (const log of loggers) log.info(message)
    }
    logAll('1')
    await change(`disable_existing_loggers: true\n${at('INFO')}\nloggers: {named: {}}`)
    logAll('2')
    logger('new').info('2')
    await change(at('INFO'))
    logAll('3')
    const all = (message: string) => ['named', 'named.below', 'other'].map((name) => `INFO ${name} ${message}`)
    expect(lines()).toEqual([...all('1'), 'INFO named 2', 'INFO named.below 2', 'INFO new 2', ...all('3')])
  })
})

describe('a ConfigMap, whose files are links into a directory that is replaced,', () => {
  test('is followed', async () => {
    const { logger, directory, path, said, noticed } = follow('')
    rmSync(path)
    const release = (name: string, level: string) => {
      mkdirSync(join(directory, name))
      writeFileSync(join(directory, name, 'logging.yaml'), at(level).replace('FILE', join(directory, 'app.log')))
      symlinkSync(name, join(directory, '..data_tmp'))
      renameSync(join(directory, '..data_tmp'), join(directory, '..data'))
    }
    release('..one', 'ERROR')
    symlinkSync('..data/logging.yaml', path)
    const log = logger('app')
    expect(log.isEnabled('INFO')).toBe(false)
    release('..two', 'INFO')
    await noticed(0)
    expect(log.isEnabled('INFO')).toBe(true)
    expect(said).toHaveLength(1)
  })
})

describe('a change that is wrong', () => {
  test('changes nothing, says why once, and the next right one holds', async () => {
    const { logger, change, said, path } = follow(at('INFO'))
    const log = logger('app')
    log.info('started')
    await change('root: {level: LOUD}')
    expect([log.isEnabled('DEBUG'), log.isEnabled('INFO')]).toEqual([false, true])
    await change(at('DEBUG'))
    expect(log.isEnabled('DEBUG')).toBe(true)
    expect(said).toEqual([
      `${path} has a problem:
  - line 1: root.level is "LOUD": it has to be DEBUG, INFO, WARNING, ERROR, CRITICAL or NOTSET
  The settings from before stay.`,
      `${path} has changed: its levels and sinks hold now.`,
    ])
  })

  test.each<[string, (path: string) => void, string]>([
    ['that has been emptied', (path) => truncateSync(path), 'the file is empty'],
    ['that is gone', (path) => rmSync(path), 'cannot be read: ENOENT'],
    ['that is a directory now', becomeDirectory, 'cannot be read: E'],
    ['that is a megabyte long', (path) => writeFileSync(path, '#'.repeat(1_048_577)), 'has 1048577 bytes and is not read'],
  ])('a file %s leaves the settings as they are', async (_, spoil, why) => {
    const { logger, lines, path, said, noticed } = follow(at('INFO'))
    const log = logger('app')
    log.info('1')
    spoil(path)
    await noticed(0)
    log.info('2')
    expect(lines()).toEqual(['INFO app 1', 'INFO app 2'])
    expect(said.join('\n')).toContain(why)
    expect(said.join('\n')).toContain('The settings from before stay.')
  })

  test('at the start is read again when it has been put right', async () => {
    const { logger, change } = follow('nonsense')
    const log = logger('app')
    expect(log.isEnabled('DEBUG')).toBe(false)
    await change(at('DEBUG'))
    expect(log.isEnabled('DEBUG')).toBe(true)
  })
})

test('watching does not keep a process alive', async () => {
  const file = follow(at('INFO'))
  const script = `import { getLogger } from '${new URL('../../../src/log/logger.ts', import.meta.url).pathname}'; getLogger('app').info('m')`
  const { code } = await runNode(['--input-type=module', '--eval', script], {
    env: { TTS_OTEL_LOGGING_CONFIG: file.path },
    timeoutMs: 10_000,
  })
  expect(code).toBe(0)
  expect(file.lines()).toEqual(['INFO app m'])
})
