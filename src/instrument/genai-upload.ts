import { channel } from 'node:diagnostics_channel'
import { diag, metrics, type Span } from '@opentelemetry/api'
import type { GenAiContent } from './genai-content.ts'

/**
 * Receives what was said in one call of Gemini, before its span ends: to store it elsewhere and, if wanted, to put a reference on `span`
 * (synchronously; later the span is gone). What it throws or rejects with is counted and never reaches the app.
 */
export type GenAiUploadHook = (content: GenAiContent, span: Span) => void | Promise<void>

type Message = { readonly content: GenAiContent; readonly span: Span }

/** A channel and not a variable: a second copy of this package (another path, another bundle) reaches the same hooks. */
const CONTENT = channel('tts-otel:gen_ai.content')
/** Uploads of one hook that may be under way; a store that hangs must not collect the texts of hours. */
const PENDING_MAX = 32

/**
 * Hands the content of every watched Gemini call to `hook`: text, bounded to 32,768 characters in each direction, and of audio only its
 * type. It is not redacted, as it does not go into the telemetry. With 32 uploads under way further ones are dropped; what is lost is
 * counted in `tts_otel.genai.upload.dropped` by `reason` (`busy`, `failed`).
 *
 * @returns takes the hook away.
 */
export function addGenAiUploadHook(hook: GenAiUploadHook): () => void {
  const dropped = metrics.getMeter('tts-otel').createCounter('tts_otel.genai.upload.dropped', {
    description: 'Contents of Gemini calls that an upload hook did not get or did not store.',
    unit: '{content}',
  })
  let pending = 0

  function failed(error: unknown): void {
    dropped.add(1, { reason: 'failed' })
    diag.warn('tts-otel: an upload hook failed; the content of one Gemini call was not stored, the app is not affected.', error)
  }

  // A subscriber that throws would end the process.
  const onContent = (message: unknown): void => {
    if (pending >= PENDING_MAX) {
      dropped.add(1, { reason: 'busy' })
      return
    }
    const { content, span } = message as Message // only uploadContent publishes here
    try {
      const result = hook(content, span)
      if (!(result instanceof Promise)) return
      pending += 1
      result.catch(failed).finally(() => {
        pending -= 1
      })
    } catch (error) {
      failed(error)
    }
  }
  CONTENT.subscribe(onContent)
  return () => void CONTENT.unsubscribe(onContent)
}

/** Whether anybody stores content. */
export function hasUploadHook(): boolean {
  return CONTENT.hasSubscribers
}

/** Gives `content` to every hook. */
export function uploadContent(content: GenAiContent, span: Span): void {
  const message: Message = { content, span }
  CONTENT.publish(message)
}
