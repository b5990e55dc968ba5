import { BYTES_PER_SECOND, SAMPLE_RATE_HZ, synthesize } from './audio.ts'
import { tokensOf } from './call.ts'
import { generationMs } from './delivery.ts'
import { AUDIO_TOKENS_PER_SECOND, secondsOf } from './speech.ts'

/** What is to be said, and by whom. */
export type LiveQuestion = { readonly text: string; readonly voice: string }

export type LiveStep =
  | { readonly kind: 'send'; readonly message: object }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'close'; readonly code: number; readonly reason: string }
  /** Nothing more comes, until somebody interrupts. */
  | { readonly kind: 'hang' }
  /** The connection breaks here, without a word. */
  | { readonly kind: 'break' }

/** The Live models are made to answer at once. */
const FIRST_AUDIO_MS = 600
/** Audio in one message. */
const CHUNK_SECONDS = 0.25
const AUDIO_TYPE = `audio/pcm;rate=${SAMPLE_RATE_HZ}`

/** A turn in which the model speaks. */
export function speakLive(question: LiveQuestion): readonly LiveStep[] {
  return [...speech(question), content({ generationComplete: true }), complete(question, { audio: billedFor(question) })]
}

/** The first half of the audio, and then something else. */
export function speakHalf(question: LiveQuestion, rest: readonly LiveStep[]): readonly LiveStep[] {
  const steps = speech(question)
  return [...steps.slice(0, Math.ceil(steps.length / 2)), ...rest]
}

function speech(question: LiveQuestion): readonly LiveStep[] {
  const pcm = synthesize({ voice: question.voice, seconds: secondsOf(question), amplitude: 9_000, driftSemitones: 0 })
  const chunkBytes = CHUNK_SECONDS * BYTES_PER_SECOND
  const chunks = Array.from({ length: Math.ceil(pcm.length / chunkBytes) }, (_, i) => pcm.subarray(i * chunkBytes, (i + 1) * chunkBytes))
  return chunks.flatMap((chunk, i) => [
    wait(i === 0 ? FIRST_AUDIO_MS : generationMs(CHUNK_SECONDS)),
    content({ modelTurn: { parts: [{ inlineData: { mimeType: AUDIO_TYPE, data: chunk.toString('base64') } }] } }),
  ])
}

/** A turn in which the model writes, or says nothing at all. */
export function answerLive(question: LiveQuestion, text: string | null, more: object = {}): readonly LiveStep[] {
  const written = text === null ? [] : [content({ modelTurn: { parts: [{ text }] } })]
  const tokens = text === null ? { audio: 19 } : { text: tokensOf(text) }
  return [wait(FIRST_AUDIO_MS), ...written, complete(question, tokens, more)]
}

/** What the server says to whoever interrupts it. https://github.com/googleapis/python-genai/issues/1224 */
export function interrupted(question: LiveQuestion): readonly LiveStep[] {
  return [content({ interrupted: true }), complete(question, { audio: Math.ceil(billedFor(question) / 2) })]
}

export function content(serverContent: object): LiveStep {
  return { kind: 'send', message: { serverContent } }
}

export function wait(ms: number): LiveStep {
  return { kind: 'wait', ms }
}

function billedFor(question: LiveQuestion): number {
  return Math.ceil(secondsOf(question) * AUDIO_TOKENS_PER_SECOND)
}

/** The end of a turn, with the tokens of that turn alone. https://github.com/pydantic/pydantic-ai/pull/7269 */
function complete(
  { text }: LiveQuestion,
  { audio = 0, text: written = 0 }: { audio?: number; text?: number },
  more: object = {},
): LiveStep {
  const prompt = tokensOf(text)
  const [modality, tokenCount] = audio > 0 ? ['AUDIO', audio] : ['TEXT', written]
  const usageMetadata = {
    promptTokenCount: prompt,
    responseTokenCount: tokenCount,
    totalTokenCount: prompt + audio + written,
    promptTokensDetails: [{ modality: 'TEXT', tokenCount: prompt }],
    responseTokensDetails: [{ modality, tokenCount }],
  }
  return { kind: 'send', message: { serverContent: { turnComplete: true, ...more }, usageMetadata } }
}
