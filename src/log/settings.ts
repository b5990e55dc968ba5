import type { LogConfig } from '../config.ts'
import type { Level } from './levels.ts'

/** How a record is written as text; `auto` is `pretty` where a person reads a terminal and `json` everywhere else. */
export type Form = 'json' | 'text' | 'pretty' | 'auto'

/** One place that records go to, with the least level it takes; without one it takes all. */
export type SinkSettings =
  | { readonly kind: 'console'; readonly level: Level | undefined; readonly stream: 'stdout' | 'stderr'; readonly form: Form }
  | {
      readonly kind: 'file'
      readonly level: Level | undefined
      readonly path: string
      /** Size at which the file is rotated, and how many older ones are kept; 0: never, as Python has it. Undefined: what the file sink does by itself. */
      readonly bytesMax: number | undefined
      readonly backupsMax: number | undefined
      readonly form: Form
    }
  | { readonly kind: 'otlp'; readonly level: Level | undefined }

/** What is said of one logger. */
export type LoggerSettings = {
  /** `NOTSET`: that of the logger above; on the root, everything. */
  readonly level: Level | 'NOTSET'
  /** Names of sinks. */
  readonly sinks: readonly string[]
  /** Whether the sinks of the loggers above get its records as well. */
  readonly propagate: boolean
}

/** Sinks and loggers by name: what a `logging.yaml` says, or the environment. */
export type LogPlan = {
  readonly sinks: Readonly<Record<string, SinkSettings>>
  readonly root: LoggerSettings
  readonly loggers: Readonly<Record<string, LoggerSettings>>
  /** Loggers that were there before this plan was read, and that it does not name, are switched off. */
  readonly disableExisting: boolean
}

/** The plan of `LOG_LEVEL`, `LOG_FORMAT` and `LOG_FILE_PATH`: one level for console, file and OTLP. */
export function planOfEnvironment({ level, format, isFormatSet, filePath }: LogConfig): LogPlan {
  const form = isFormatSet ? format : 'auto'
  const everywhere: Record<string, SinkSettings> = {
    console: { kind: 'console', level: undefined, stream: 'stdout', form },
    otlp: { kind: 'otlp', level: undefined },
  }
  if (filePath !== undefined)
    everywhere.file = { kind: 'file', level: undefined, path: filePath, bytesMax: undefined, backupsMax: undefined, form }
  return {
    sinks: everywhere,
    root: { level, sinks: Object.keys(everywhere), propagate: false },
    loggers: {},
    disableExisting: false,
  }
}
