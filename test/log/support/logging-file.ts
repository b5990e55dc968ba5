/** Loggers that follow a `logging.yaml` in a directory of their own. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Config, parseConfig } from '../../../src/config.ts'
import { createFileSink, type FileSink } from '../../../src/log/file.ts'
import { createLoggers } from '../../../src/log/logger.ts'
import { createRouting } from '../../../src/log/routing.ts'

export type LoggingFile = {
  readonly directory: string
  readonly path: string
  readonly logger: ReturnType<typeof createLoggers>['getLogger']
  /** What was said to a person. */
  readonly said: readonly string[]
  readonly write: (yaml: string) => void
  /** `level logger message` of each line of a file in the directory; nothing where there is no file. */
  readonly lines: (file?: string) => readonly string[]
  /** Writes `yaml` and waits until that was noticed. */
  readonly change: (yaml: string) => Promise<void>
  /** Waits until something more was said than `before` messages. */
  readonly noticed: (before: number) => Promise<void>
  readonly remove: () => void
}

/** `FILE` in the text becomes the path of `app.log` in the directory, `DIR` the directory. */
export function followLoggingFile(yaml: string, env: Readonly<Record<string, string>> = {}): LoggingFile {
  const directory = mkdtempSync(join(tmpdir(), 'tts-otel-logging-'))
  const path = join(directory, 'logging.yaml')
  const said: string[] = []
  const write = (text: string) => writeFileSync(path, text.replaceAll('FILE', join(directory, 'app.log')).replaceAll('DIR', directory))
  write(yaml)
  const config = (): Config['log'] => parseConfig({ TTS_OTEL_LOGGING_CONFIG: path, ...env }).config.log
  const opened: FileSink[] = []
  const openFile: typeof createFileSink = (options) => {
    const sink = createFileSink({ ...options, archivesMax: 0 })
    opened.push(sink)
    return sink
  }
  const routing = createRouting({ config, openFile, say: (message) => void said.push(message), intervalMs: 20 })
  const { getLogger } = createLoggers({ routing, config })

  async function noticed(before: number): Promise<void> {
    for (let waits = 0; said.length === before && waits < 500; waits++) await sleep(10)
    if (said.length === before) throw new Error('the change was not noticed within 5 s')
  }

  return {
    directory,
    path,
    logger: getLogger,
    said,
    write,
    lines: (file = 'app.log') => readLines(join(directory, file)),
    async change(text) {
      const before = said.length
      write(text)
      await noticed(before)
    },
    noticed,
    remove() {
      for (const sink of opened) sink.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

function readLines(path: string): readonly string[] {
  try {
    const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean)
    return lines.map((line) => JSON.parse(line)).map(({ level, logger, message }) => `${level} ${logger} ${message}`)
  } catch {
    return []
  }
}
