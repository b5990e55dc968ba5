import { PINO_DEFAULTS, type PinoKeys } from './pino-line.ts'

type Levels = { readonly labels: Readonly<Record<number, string>>; readonly values: Readonly<Record<string, number>> }

/**
 * How `logger`, an instance of pino, writes its lines. Its levels are public; its keys stand under symbols of its own copy of pino, which
 * only their descriptions name.
 */
export function readKeys(logger: object): PinoKeys {
  return toKeys({
    levels: Reflect.get(logger, 'levels'),
    messageKey: readSymbol(logger, 'pino.messageKey'),
    errorKey: readSymbol(logger, 'pino.errorKey'),
  })
}

/** The same from what pino tells a transport in its worker. */
export function toKeys({
  levels,
  messageKey,
  errorKey,
}: {
  readonly levels?: unknown
  readonly messageKey?: unknown
  readonly errorKey?: unknown
}): PinoKeys {
  return {
    messageKey: typeof messageKey === 'string' ? messageKey : PINO_DEFAULTS.messageKey,
    errorKey: typeof errorKey === 'string' ? errorKey : PINO_DEFAULTS.errorKey,
    labelOf: isLevels(levels) ? (level) => levels.labels[level] : PINO_DEFAULTS.labelOf,
    levelOf: isLevels(levels) ? (label) => levels.values[label] : PINO_DEFAULTS.levelOf,
  }
}

function isLevels(value: unknown): value is Levels {
  return typeof value === 'object' && value !== null && 'labels' in value && 'values' in value
}

/** Children inherit from their parents. */
function readSymbol(logger: object, description: string): unknown {
  for (let owner: object | null = logger; owner !== null; owner = Object.getPrototypeOf(owner)) {
    const symbol = Object.getOwnPropertySymbols(owner).find((candidate) => candidate.description === description)
    if (symbol !== undefined) return Reflect.get(owner, symbol)
  }
  return undefined
}
