import type { Form, LoggerSettings, LogPlan, SinkSettings } from '../settings.ts'
import { type Check, createCheck, type Entry, type Path, type Problem, show } from './check.ts'
import { toForm, toSink } from './handlers.ts'

const KEYS = ['version', 'disable_existing_loggers', 'incremental', 'formatters', 'filters', 'handlers', 'root', 'loggers']

/**
 * A plan from what a YAML parser made of a `logging.yaml`: the schema of Python's `dictConfig`, with short names of our own. All problems are
 * found; with any of them the plan is not to be used. https://docs.python.org/3/library/logging.config.html#configuration-dictionary-schema
 */
export function decodePlan(value: unknown, fallback: LogPlan): { readonly plan: LogPlan; readonly problems: readonly Problem[] } {
  const check = createCheck()
  if (value === null || value === undefined) check.tell([], 'the file is empty: it needs handlers, and loggers or a root')
  const file = check.entry(value ?? undefined, [])
  checkHead(file, check)
  const forms = check.map(file, 'formatters', (entry, path) => toForm(entry, path, check))
  const sinks = check.map(file, 'handlers', (entry, path) => toSink(entry, path, { check, forms, form: formOf(fallback) }))
  const disableExisting = check.boolean(file.disable_existing_loggers, ['disable_existing_loggers'], false)
  return { plan: { ...decodeLoggers(file, sinks, fallback, check), disableExisting }, problems: check.problems }
}

function checkHead(file: Entry, { keys, tell, entry }: Check): void {
  keys(file, [], KEYS)
  if (file.version !== undefined && file.version !== 1) tell(['version'], `is ${show(file.version)}: only 1 exists`)
  if (file.incremental !== undefined && file.incremental !== false)
    tell(['incremental'], 'is not supported: write the whole file, it is read anew at each change')
  if (Object.keys(entry(file.filters ?? undefined, ['filters'])).length > 0)
    tell(['filters'], 'is not supported: set levels of loggers and handlers instead')
}

/** What `LOG_FORMAT` says. */
function formOf({ sinks }: LogPlan): Form {
  return Object.values(sinks).find((sink) => sink.kind === 'console')?.form ?? 'auto'
}

type Sinks = LogPlan['sinks']

function decodeLoggers(file: Entry, sinks: Sinks, fallback: LogPlan, check: Check): Omit<LogPlan, 'disableExisting'> {
  const isRoot = (name: string | undefined): boolean => name === '' || name === 'root'
  const toSettings = (entry: Entry, path: Path): LoggerSettings => {
    const isLevelOpen = entry.level === undefined && isRoot(path.at(-1))
    const settings = toLogger(entry, path, sinks, check)
    return isLevelOpen ? { ...settings, level: fallback.root.level } : settings
  }
  const loggers = check.map(file, 'loggers', toSettings)
  const named = Object.entries(loggers).filter(([name]) => !isRoot(name))
  const root = file.root === undefined ? (loggers.root ?? loggers['']) : toSettings(check.entry(file.root, ['root']), ['root'])
  // Without a root the sinks of the environment serve the loggers that the file does not name.
  const rest = root === undefined ? { root: fallback.root, sinks: { ...fallback.sinks, ...sinks } } : { root, sinks }
  return { ...rest, loggers: Object.fromEntries(named) }
}

function toLogger(entry: Entry, path: Path, sinks: Readonly<Record<string, SinkSettings>>, check: Check): LoggerSettings {
  check.keys(entry, path, ['level', 'handlers', 'propagate'])
  return {
    level: check.level(entry.level, [...path, 'level']),
    sinks: toNames(entry.handlers, [...path, 'handlers'], sinks, check),
    propagate: check.boolean(entry.propagate, [...path, 'propagate'], true),
  }
}

function toNames(value: unknown, path: Path, sinks: Readonly<Record<string, SinkSettings>>, { tell }: Check): readonly string[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) {
    tell(path, `is ${show(value)}: it has to be a list, [console]`)
    return []
  }
  for (const name of value) {
    const isKnown = typeof name === 'string' && Object.hasOwn(sinks, name)
    if (!isKnown)
      tell(
        path,
        `names ${show(name)}, which is not under handlers${Object.keys(sinks).length > 0 ? `: ${Object.keys(sinks).join(', ')} are` : ''}`,
      )
  }
  return value
}
