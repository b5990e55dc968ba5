import type { Form, SinkSettings } from '../settings.ts'
import { type Check, type Entry, type Path, show } from './check.ts'

export type HandlerContext = {
  readonly check: Check
  /** Of the formatters by name. */
  readonly forms: Readonly<Record<string, Form>>
  /** Without a formatter. */
  readonly form: Form
}

const FORMS: readonly string[] = ['json', 'text', 'pretty'] satisfies readonly Form[]
/** Python's own class makes text, and so does no class. */
const TEXT_CLASSES: readonly unknown[] = [undefined, null, 'logging.Formatter']
const STREAMS: Readonly<Record<string, 'stdout' | 'stderr'>> = {
  'ext://sys.stdout': 'stdout',
  'ext://sys.stderr': 'stderr',
  stdout: 'stdout',
  stderr: 'stderr',
}
/** What the classes of handlers become. A handler that writes to a database of the Python service is the way to ours. */
const KINDS: readonly (readonly [RegExp, SinkSettings['kind']])[] = [
  [/^(?:console|logging\.StreamHandler)$/, 'console'],
  [/^(?:file|logging\.handlers\.RotatingFileHandler)$/, 'file'],
  [/^(?:otlp|(?:.*\.)?DatabaseHandler)$/, 'otlp'],
]
const ALL_KINDS =
  'console (logging.StreamHandler), file (logging.handlers.RotatingFileHandler), otlp (any class that ends in DatabaseHandler)'

const COMMON_KEYS = ['class', '()', 'level', 'formatter', 'format']
const CONSOLE_KEYS = [...COMMON_KEYS, 'stream']
/** `encoding`, `delay`, `errors`: read by Python, and harmless. */
const FILE_KEYS = [...COMMON_KEYS, 'filename', 'maxBytes', 'backupCount', 'mode', 'encoding', 'delay', 'errors']

/** The form of one entry of `formatters`. A format string of Python is text: where what stands in our line is fixed. */
export function toForm(entry: Entry, path: Path, check: Check): Form {
  check.keys(entry, path, ['class', '()', 'format', 'fmt', 'datefmt', 'style', 'validate', 'defaults'])
  const name = entry.class ?? entry['()']
  if (typeof name === 'string' && /JsonFormatter$/.test(name)) return 'json'
  const { format } = entry
  if (TEXT_CLASSES.includes(name)) return isForm(format) ? format : 'text'
  check.tell(
    [...path, entry.class === undefined ? '()' : 'class'],
    `is ${show(name)}, which is not supported: use format: json, text or pretty`,
  )
  return 'text'
}

/** The sink of one entry of `handlers`. */
export function toSink(entry: Entry, path: Path, context: HandlerContext): SinkSettings {
  const { check } = context
  const name = entry.class ?? entry['()']
  const kind = KINDS.find(([pattern]) => typeof name === 'string' && pattern.test(name))?.[1]
  const found = check.level(entry.level, [...path, 'level'])
  const level = found === 'NOTSET' ? undefined : found
  if (kind === 'console') return toConsole(entry, path, level, context)
  if (kind === 'file') return toFile(entry, path, level, context)
  if (kind === undefined) tellClass(entry, path, check)
  // What else a DatabaseHandler takes, its address for one, is for the Python service.
  return { kind: 'otlp', level }
}

function tellClass(entry: Entry, path: Path, { tell }: Check): void {
  const name = entry.class ?? entry['()']
  if (name === undefined) tell(path, `has no class: use ${ALL_KINDS}`)
  else tell([...path, entry.class === undefined ? '()' : 'class'], `is ${show(name)}, which is not supported: use ${ALL_KINDS}`)
}

function toConsole(entry: Entry, path: Path, level: SinkSettings['level'], context: HandlerContext): SinkSettings {
  const { check } = context
  check.keys(entry, path, CONSOLE_KEYS)
  // Python's own class writes to stderr unless told otherwise.
  const { stream = entry.class === 'console' ? 'stdout' : 'stderr' } = entry
  const known = typeof stream === 'string' && Object.hasOwn(STREAMS, stream) ? STREAMS[stream] : undefined
  if (known === undefined) check.tell([...path, 'stream'], `is ${show(stream)}: it has to be ${Object.keys(STREAMS).join(', ')}`)
  return { kind: 'console', level, stream: known ?? 'stderr', form: formOf(entry, path, context) }
}

function toFile(entry: Entry, path: Path, level: SinkSettings['level'], context: HandlerContext): SinkSettings {
  const { check } = context
  check.keys(entry, path, FILE_KEYS)
  const { filename, mode = 'a' } = entry
  const isNamed = typeof filename === 'string' && filename !== ''
  if (!isNamed) check.tell(path, 'has no filename: name the file to write to')
  if (mode !== 'a') check.tell([...path, 'mode'], `is ${show(mode)}: files are only added to, leave it out`)
  const form = formOf(entry, path, context)
  if (form === 'pretty')
    check.tell([...path, entry.format === undefined ? 'formatter' : 'format'], 'is pretty, which is for a terminal: use json or text')
  const bytesMax = check.count(entry.maxBytes, [...path, 'maxBytes'])
  const backupsMax = check.count(entry.backupCount, [...path, 'backupCount'])
  return { kind: 'file', level, path: isNamed ? filename : '', bytesMax, backupsMax, form }
}

function formOf({ formatter, format }: Entry, path: Path, { check, forms, form }: HandlerContext): Form {
  if (formatter === undefined || formatter === null) {
    if (format !== undefined && !isForm(format)) check.tell([...path, 'format'], `is ${show(format)}: it has to be ${FORMS.join(', ')}`)
    return isForm(format) ? format : form
  }
  const found = typeof formatter === 'string' && Object.hasOwn(forms, formatter) ? forms[formatter] : undefined
  if (found === undefined) check.tell([...path, 'formatter'], `is ${show(formatter)}, which is not under formatters`)
  return found ?? form
}

function isForm(value: unknown): value is Form {
  return typeof value === 'string' && FORMS.includes(value)
}
