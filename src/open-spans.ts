import type { ReadableSpan, Span } from '@opentelemetry/sdk-trace'
import { INTERRUPTED } from './tts/semconv.ts'

/** The spans that have begun and not ended, so that the end of the process can end them. */
export type OpenSpans = {
  readonly started: (span: Span) => void
  /** To be called before anything else looks at the span. */
  readonly ended: (span: ReadableSpan) => void
  /** Ends them all, the newest first, so that children end before their parents, and says so: `tts.interrupted`. */
  readonly interrupt: () => void
}

/**
 * As many as the default queue of spans holds. An app that forgets to end its spans keeps them alive here: the oldest are given up, which are
 * the forgotten ones.
 */
const OPEN_SPANS_MAX = 2_048

/** One entry in a map for each span that is open. */
export function createOpenSpans(): OpenSpans {
  const open = new Map<ReadableSpan, Span>()

  function started(span: Span): void {
    if (open.size >= OPEN_SPANS_MAX) forgetOldest()
    open.set(span, span)
  }

  function forgetOldest(): void {
    const { value } = open.keys().next()
    if (value !== undefined) open.delete(value)
  }

  function interrupt(): void {
    for (const span of [...open.values()].reverse()) {
      // Not by `setAttribute`, which drops silently at the attribute limit.
      span.attributes[INTERRUPTED] = true
      span.end()
    }
  }

  return { started, ended: (span) => void open.delete(span), interrupt }
}
