import { fstatSync } from 'node:fs'
import { writeToConsole, writeToErrors } from './console.ts'
import type { FileSink, FileSinkOptions } from './file.ts'
import { leastOf, SEVERITIES } from './levels.ts'
import { formatJson, formatText, type Line } from './line.ts'
import { createPrettyFormat } from './pretty.ts'
import type { Form, LogPlan, SinkSettings } from './settings.ts'

/** Makes one text of a record, its line end included. */
export type Format = (line: Line) => string

/** A place that takes records from a severity on: as lines, or as OpenTelemetry log records of the provider that is registered. */
export type Sink =
  | { readonly kind: 'lines'; readonly least: number; readonly format: Format; readonly write: (line: string, severity: number) => void }
  | { readonly kind: 'otlp'; readonly least: number }

export type OpenOptions = {
  readonly openFile: (options: FileSinkOptions) => FileSink
  /** Whether lines for a terminal may be coloured. */
  readonly colors: boolean
}

/** The sinks of one plan. Files that the next plan has as well stay open; `close` closes the others. */
export type OpenSinks = {
  readonly sinks: ReadonlyMap<string, Sink>
  readonly files: ReadonlyMap<string, FileSink>
}

/** Opens the sinks of `plan`, with the files that `before` has open already. */
export function openSinks(plan: LogPlan, options: OpenOptions, before?: OpenSinks): OpenSinks {
  const files = new Map<string, FileSink>()
  const sinks = new Map<string, Sink>()
  for (const [name, settings] of Object.entries(plan.sinks)) {
    if (settings.kind === 'file') sinks.set(name, toFile(settings, takeFile(settings)))
    else sinks.set(name, settings.kind === 'otlp' ? { kind: 'otlp', least: leastOf(settings.level) } : toConsole(settings, options.colors))
  }
  return { sinks, files }

  function takeFile(settings: FileSettings): FileSink {
    const { path, bytesMax, backupsMax } = settings
    const key = JSON.stringify([path, bytesMax, backupsMax])
    const limits = { ...(bytesMax === undefined ? {} : { bytesMax }), ...(backupsMax === undefined ? {} : { backupsMax }) }
    const file = files.get(key) ?? before?.files.get(key) ?? options.openFile({ path, ...limits })
    files.set(key, file)
    return file
  }
}

/** Closes the files of `before` that `after` has not taken over. Only when nobody writes to them any more. */
export function closeUnused(before: OpenSinks, after: OpenSinks): void {
  for (const [key, file] of before.files) if (after.files.get(key) !== file) file.close()
}

type FileSettings = Extract<SinkSettings, { kind: 'file' }>
type ConsoleSettings = Extract<SinkSettings, { kind: 'console' }>

/** Bad news does not wait in a burst: the process may be about to end in a way that lets nobody write any more. */
function toFile({ level, form }: FileSettings, file: FileSink): Sink {
  const write = (line: string, severity: number): void => {
    file.write(line)
    if (severity >= SEVERITIES.ERROR) file.flush()
  }
  return { kind: 'lines', least: leastOf(level), format: form === 'text' ? formatText : formatJson, write }
}

function toConsole({ level, stream, form }: ConsoleSettings, colors: boolean): Sink {
  const [fd, write] = stream === 'stdout' ? [1, writeToConsole] : [2, writeToErrors]
  return { kind: 'lines', least: leastOf(level), format: toFormat(form, fd, colors), write }
}

function toFormat(form: Form, fd: number, colors: boolean): Format {
  if (form === 'text') return formatText
  return form === 'pretty' || (form === 'auto' && isTerminal(fd)) ? createPrettyFormat({ colors: colors && isTerminal(fd) }) : formatJson
}

/** Asked in two steps, because `node:tty` loads `node:net`, which a service without a terminal can do without. */
function isTerminal(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice() && process.getBuiltinModule('node:tty').isatty(fd)
  } catch {
    return false // closed
  }
}
