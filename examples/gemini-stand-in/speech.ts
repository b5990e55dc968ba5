import { randomBytes } from 'node:crypto'
import { BYTES_PER_SECOND, SAMPLE_RATE_HZ, synthesize, toWav } from './audio.ts'
import { type SpeechCall, tokensOf } from './call.ts'
import type { Script, Step } from './script.ts'

/** How one narration is delivered; what a mode leaves out is what Gemini does on a good day. */
export type Delivery = {
  /** Audio that arrives. */
  readonly seconds: number
  /** Audio tokens that are charged for it. */
  readonly billedTokens: number
  /** Google's time until the headers leave. */
  readonly thinkMs: number
  /** `OTHER` comes in an event of its own, without content, when the answer is streamed; null: the stream just ends. */
  readonly finishReason: 'STOP' | 'OTHER' | 'CONTINUATION' | null
  readonly amplitude: number
  readonly driftSemitones: number
  /** Streams: audio in one event, its type, and a silence of the server halfway. */
  readonly chunkSeconds: number
  readonly mimeType: string
  readonly stallMs: number
  readonly continuationToken: string | null
}

/** Rate at which people and Gemini read aloud: 825 characters a minute, rounded up. */
const CHARACTERS_PER_SECOND = 15
/** Documented for audio output, whatever the voice. */
export const AUDIO_TOKENS_PER_SECOND = 25
/** First audio after 0.9–3.3 s, then about 3.4 times as fast as it plays; https://github.com/mgsgde/whisper-shortcut/pull/73 */
const FIRST_AUDIO_MS = 900
const SPEED = 3.4
const L16 = `audio/L16;codec=pcm;rate=${SAMPLE_RATE_HZ}`

/** Seconds that reading the text takes. */
export function secondsOf(call: SpeechCall): number {
  return Math.max(0.4, call.text.length / CHARACTERS_PER_SECOND)
}

/** The answer that speaks: one JSON body, or a stream of server-sent events. */
export function speak(call: SpeechCall, changes: Partial<Delivery> = {}): Script {
  const seconds = changes.seconds ?? secondsOf(call)
  const delivery: Delivery = {
    seconds,
    billedTokens: Math.ceil(seconds * AUDIO_TOKENS_PER_SECOND),
    thinkMs: FIRST_AUDIO_MS + (call.streamed ? 0 : generationMs(seconds)),
    finishReason: 'STOP',
    amplitude: 9_000,
    driftSemitones: 0,
    chunkSeconds: 1,
    mimeType: L16,
    stallMs: 0,
    continuationToken: null,
    ...changes,
  }
  const pcm = synthesize({ voice: call.voice, ...delivery })
  return call.streamed ? streamed(call, delivery, pcm) : unary(call, delivery, pcm)
}

function unary(call: SpeechCall, delivery: Delivery, pcm: Buffer): Script {
  const [mimeType, bytes] = answersWithWav(call.model) ? ['audio/wav', toWav(pcm)] : [delivery.mimeType, pcm]
  const candidate = { content: audioContent(mimeType, bytes), ...closing(delivery), index: 0 }
  const body = envelope(call, { candidates: [candidate] }, { audio: delivery.billedTokens })
  return json({ thinkMs: delivery.thinkMs + delivery.stallMs, body })
}

/** The 3.8 models answer with a complete file; those before them with bare samples. */
function answersWithWav(model: string): boolean {
  return model.startsWith('gemini-3.8')
}

function streamed(call: SpeechCall, delivery: Delivery, pcm: Buffer): Script {
  const chunkBytes = Math.round(delivery.chunkSeconds * BYTES_PER_SECOND)
  const chunks = Math.max(1, Math.ceil(pcm.length / chunkBytes))
  const responseId = newResponseId()
  const event = (candidate: object, audio: number): Step => ({
    kind: 'send',
    body: eventLine(envelope(call, { candidates: [{ ...candidate, index: 0 }] }, { audio }, responseId)),
  })
  const last = delivery.finishReason === 'OTHER' ? {} : closing(delivery)
  const steps = Array.from({ length: chunks }, (_, i): readonly Step[] => {
    const chunk = pcm.subarray(i * chunkBytes, (i + 1) * chunkBytes)
    const audio = Math.round((delivery.billedTokens * (i + 1)) / chunks)
    const spoken = event({ content: audioContent(delivery.mimeType, chunk), ...(i === chunks - 1 ? last : {}) }, audio)
    const pauseMs = generationMs(chunk.length / BYTES_PER_SECOND) + (i === Math.floor(chunks / 2) ? delivery.stallMs : 0)
    return i === 0 && chunks > 1 ? [spoken] : [{ kind: 'wait', ms: pauseMs }, spoken]
  }).flat()
  if (delivery.finishReason === 'OTHER') steps.push(event({ content: {}, finishReason: 'OTHER' }, delivery.billedTokens))
  return eventStream(delivery.thinkMs, steps)
}

function generationMs(seconds: number): number {
  return (seconds / SPEED) * 1_000
}

function audioContent(mimeType: string, bytes: Buffer): object {
  return { parts: [{ inlineData: { mimeType, data: bytes.toString('base64') } }], role: 'model' }
}

function closing({ finishReason, continuationToken }: Delivery): object {
  return { ...(finishReason ? { finishReason } : {}), ...(continuationToken ? { continuationToken } : {}) }
}

/** An answer without audio, in one piece: what `partial` says, with `tokens` charged. */
export function answerOnce(call: SpeechCall, partial: object, tokens: { audio?: number; text?: number }, thinkMs = FIRST_AUDIO_MS): Script {
  const body = envelope(call, partial, tokens)
  return call.streamed ? eventStream(thinkMs, [{ kind: 'send', body: eventLine(body) }]) : json({ thinkMs, body })
}

/** Cuts an answer in the middle of its body, by breaking the connection. */
export function breakOff(script: Script): Script {
  const [first, ...rest] = script.steps
  const half = rest.length > 0 ? script.steps.slice(0, Math.ceil(script.steps.length / 2)) : first?.kind === 'send' ? [halved(first)] : []
  return { ...script, steps: [...half, { kind: 'reset' }] }
}

function halved(step: Extract<Step, { kind: 'send' }>): Step {
  return { kind: 'send', body: step.body.slice(0, step.body.length / 2) }
}

function json({ thinkMs, body }: { thinkMs: number; body: object }): Script {
  return { status: 200, contentType: 'application/json; charset=UTF-8', thinkMs, steps: [{ kind: 'send', body: JSON.stringify(body) }] }
}

export function eventStream(thinkMs: number, steps: readonly Step[]): Script {
  return { status: 200, contentType: 'text/event-stream', thinkMs, steps }
}

function eventLine(body: object): string {
  return `data: ${JSON.stringify(body)}\r\n\r\n`
}

function envelope(call: SpeechCall, answer: object, tokens: { audio?: number; text?: number }, responseId = newResponseId()): object {
  return { ...answer, usageMetadata: usage(call, tokens), modelVersion: call.model, responseId }
}

function newResponseId(): string {
  return randomBytes(16).toString('base64url')
}

function usage(call: SpeechCall, { audio = 0, text = 0 }: { audio?: number; text?: number }): object {
  const prompt = tokensOf(call.text)
  const details = [
    ...(text > 0 ? [{ modality: 'TEXT', tokenCount: text }] : []),
    ...(audio > 0 ? [{ modality: 'AUDIO', tokenCount: audio }] : []),
  ]
  return {
    promptTokenCount: prompt,
    ...(details.length > 0 ? { candidatesTokenCount: audio + text } : {}),
    totalTokenCount: prompt + audio + text,
    promptTokensDetails: [{ modality: 'TEXT', tokenCount: prompt }],
    ...(details.length > 0 ? { candidatesTokensDetails: details } : {}),
    serviceTier: 'standard',
  }
}
