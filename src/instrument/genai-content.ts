import type { Answer } from './genai-answer.ts'
import type { CallRequest } from './genai-request.ts'

/** A piece of a message. Audio has its type and no bytes, ever: `content` of a blob is empty. */
export type ContentPart =
  | { readonly type: 'text'; readonly content: string }
  | { readonly type: 'blob'; readonly modality: string; readonly mime_type: string; readonly content: '' }
  | { readonly type: 'uri'; readonly modality: string; readonly mime_type: string; readonly uri: string }

export type InputMessage = { readonly role: string; readonly parts: readonly ContentPart[] }
export type OutputMessage = InputMessage & { readonly finish_reason: string }

/**
 * What was said in one call, in the form of the conventions.
 * https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-events.md
 */
export type GenAiContent = {
  readonly inputMessages: readonly InputMessage[]
  readonly systemInstructions: readonly ContentPart[]
  readonly outputMessages: readonly OutputMessage[]
}

/** Collects the text of one call. */
export type ContentCollector = {
  onText(text: string): void
  content(answer: Answer): GenAiContent
}

/** Of one call and direction. Gemini's speech models take 8,192 tokens, about as many words of three letters. */
const TEXT_CHARS_MAX = 32_768
/** Messages and parts of one call; a chat that is longer is cut. */
const PARTS_MAX = 64
const CUT = '…'

/** Made before the call, as the app may change its objects while it runs. */
export function createContentCollector({ input, systemInstruction }: Pick<CallRequest, 'input' | 'systemInstruction'>): ContentCollector {
  const limit = createLimit()
  const inputMessages = toMessages(input, limit)
  const systemInstructions = toParts(systemInstruction, limit)
  const outputLimit = createLimit()
  let output = ''
  return {
    onText(text) {
      output += outputLimit.text(text)
    },
    content(answer) {
      const parts: ContentPart[] = output === '' ? [] : [{ type: 'text', content: output }]
      if (answer.audio) parts.push({ type: 'blob', modality: 'audio', mime_type: answer.audioType ?? '', content: '' })
      const finishReason = answer.finishReasons[0] ?? 'error'
      return { inputMessages, systemInstructions, outputMessages: [{ role: 'assistant', parts, finish_reason: finishReason }] }
    },
  }
}

type Limit = { text(text: string): string; takesPart(): boolean }

function createLimit(): Limit {
  let charsLeft = TEXT_CHARS_MAX
  let partsLeft = PARTS_MAX
  return {
    text(text) {
      if (charsLeft <= 0) return ''
      const kept = text.length <= charsLeft ? text : text.slice(0, charsLeft) + CUT
      charsLeft -= text.length
      return kept
    },
    takesPart: () => partsLeft-- > 0,
  }
}

/** `"hi"`, a part, `{role, parts}`, `{type: "user_input", content}`, or a list of any of these. */
function toMessages(input: unknown, limit: Limit): readonly InputMessage[] {
  if (Array.isArray(input) && input.some(isMessage)) return input.slice(0, PARTS_MAX).flatMap((message) => toMessages(message, limit))
  const parts = toParts(isMessage(input) ? (input.parts ?? input.content) : input, limit)
  return parts.length === 0 ? [] : [{ role: isMessage(input) ? roleOf(input) : 'user', parts }]
}

type Message = { readonly role?: unknown; readonly parts?: unknown; readonly type?: unknown; readonly content?: unknown }

function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && ('parts' in value || 'content' in value)
}

function roleOf({ role, type }: Message): string {
  return role === 'model' || type === 'model_output' ? 'assistant' : 'user'
}

/** Parts in the spelling of either API. */
type Part = {
  readonly text?: unknown
  readonly type?: unknown
  readonly parts?: unknown
  readonly mime_type?: unknown
  readonly uri?: unknown
  readonly inlineData?: { readonly mimeType?: unknown }
  readonly fileData?: { readonly mimeType?: unknown; readonly fileUri?: unknown }
}

function toParts(value: unknown, limit: Limit): readonly ContentPart[] {
  if (Array.isArray(value)) return value.slice(0, PARTS_MAX).flatMap((part) => toParts(part, limit))
  if (typeof value === 'string') return toText(value, limit)
  if (typeof value !== 'object' || value === null) return []
  const { text, parts, type, mime_type, uri, inlineData, fileData } = value as Part // every part of it is optional, and checked
  if (parts !== undefined) return toParts(parts, limit)
  if (typeof text === 'string') return toText(text, limit)
  const mimeType = inlineData?.mimeType ?? fileData?.mimeType ?? mime_type
  if (typeof mimeType !== 'string' || !limit.takesPart()) return []
  const modality = typeof type === 'string' ? type : (mimeType.split('/')[0] ?? '')
  const reference = fileData?.fileUri ?? uri
  if (typeof reference === 'string') return [{ type: 'uri', modality, mime_type: mimeType, uri: reference }]
  return [{ type: 'blob', modality, mime_type: mimeType, content: '' }]
}

function toText(text: string, limit: Limit): readonly ContentPart[] {
  const kept = limit.takesPart() ? limit.text(text) : ''
  return kept === '' ? [] : [{ type: 'text', content: kept }]
}
