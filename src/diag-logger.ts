import { format } from 'node:util'
import type { DiagLogger } from '@opentelemetry/api'
import type { Redactor } from './log/redact.ts'

export type DiagLoggerOptions = {
  /** Gets one message, without line end. */
  readonly say: (message: string) => void
  readonly redactor: Redactor
  readonly nowMs: () => number
}

const WINDOW_MS = 60_000
/** Kinds of warnings told in one window: a fault in a loop must not fill the log by changing its words. */
const KINDS_MAX = 20
/** Characters that tell one kind from another; what follows is values and stacks. */
const KIND_CHARACTERS = 48

/**
 * What OpenTelemetry says about itself, without secrets. Warnings and errors of one kind come once a minute; what was asked for with
 * `OTEL_LOG_LEVEL=info` or lower comes always.
 */
export function createDiagLogger({ say, redactor, nowMs }: DiagLoggerOptions): DiagLogger {
  const kinds = new Set<string>()
  let windowStartMs = nowMs()

  const write = (message: string, ...details: unknown[]) => say(redactor.text(format(withoutOwnName(message), ...details)))

  function warn(message: string, ...details: unknown[]): void {
    const now = nowMs()
    if (now - windowStartMs >= WINDOW_MS) {
      windowStartMs = now
      kinds.clear()
    }
    const kind = kindOf(message)
    if (kinds.has(kind) || kinds.size >= KINDS_MAX) return
    kinds.add(kind)
    write(message, ...details)
  }

  return { error: warn, warn, info: write, debug: write, verbose: write }
}

/** Ids and numbers differ each time; the words stay. */
function kindOf(message: string): string {
  return message.replace(/[0-9a-f]{8,}|\d+/g, '#').slice(0, KIND_CHARACTERS)
}

/** Our own messages name the sender, and so does `say`. */
function withoutOwnName(message: string): string {
  return message.startsWith('tts-otel: ') ? message.slice('tts-otel: '.length) : message
}
