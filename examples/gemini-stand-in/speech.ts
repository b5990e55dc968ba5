import { randomBytes } from 'node:crypto'
import { BYTES_PER_SECOND, SAMPLE_RATE_HZ, synthesize, toWav } from './audio.ts'
import { type SpeechCall, tokensOf } from './call.ts'
import { answersWithWav, type Delivery, generationMs, type PartialAnswer, type Tokens } from './delivery.ts'
import { answerInteraction, speakInteraction } from './interaction.ts'
import { eventStream, json, type Script, type Step } from './script.ts'

/** Rate at which people and Gemini read aloud: 825 characters a minute, rounded up. */
const CHARACTERS_PER_SECOND = 15
/** Documented for audio output, whatever the voice. */
export const AUDIO_TOKENS_PER_SECOND = 25
/** First audio after 0.9–3.3 s; https://github.com/mgsgde/whisper-shortcut/pull/73 */
const FIRST_AUDIO_MS = 900
const L16 = `audio/L16;codec=pcm;rate=${SAMPLE_RATE_HZ}`

/** Seconds that reading the text takes. */
export function secondsOf(call: Pick<SpeechCall, 'text'>): number {
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
  if (call.api === 'interactions') return speakInteraction(call, delivery, pcm)
  return call.streamed ? streamed(call, delivery, pcm) : unary(call, delivery, pcm)
}

function unary(call: SpeechCall, delivery: Delivery, pcm: Buffer): Script {
  const [mimeType, bytes] = answersWithWav(call.model) ? ['audio/wav', toWav(pcm)] : [delivery.mimeType, pcm]
  const candidate = { content: audioContent(mimeType, bytes), ...closing(delivery), index: 0 }
  const body = envelope(call, { candidates: [candidate] }, { audio: delivery.billedTokens })
  return json({ thinkMs: delivery.thinkMs + delivery.stallMs, body })
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

function audioContent(mimeType: string, bytes: Buffer): object {
  return { parts: [{ inlineData: { mimeType, data: bytes.toString('base64') } }], role: 'model' }
}

function closing({ finishReason, continuationToken }: Delivery): object {
  return { ...(finishReason ? { finishReason } : {}), ...(continuationToken ? { continuationToken } : {}) }
}

/** An answer without audio, in one piece: what `partial` says, with `tokens` charged. */
export function answerOnce(call: SpeechCall, partial: PartialAnswer, tokens: Tokens, thinkMs = FIRST_AUDIO_MS): Script {
  if (call.api === 'interactions') return answerInteraction(call, partial, tokens, thinkMs)
  const body = envelope(call, partial, tokens)
  return call.streamed ? eventStream(thinkMs, [{ kind: 'send', body: eventLine(body) }]) : json({ thinkMs, body })
}

/** Cuts an answer in the middle of its body, by breaking the connection. */
export function breakOff(script: Script): Script {
  return { ...script, steps: [...firstHalf(script), { kind: 'reset' }] }
}

/** Cuts an answer in the middle of its body, or of its last event, and ends it as if it were whole. */
export function cutShort(script: Script): Script {
  const steps = script.steps.filter(({ kind }) => kind === 'send').slice(0, 2)
  return { ...script, steps: steps.map((step, index) => (index === steps.length - 1 && step.kind === 'send' ? halved(step) : step)) }
}

function firstHalf({ steps: [first, ...rest] }: Script): readonly Step[] {
  if (!first || rest.length > 0) return [...(first ? [first] : []), ...rest].slice(0, Math.ceil((rest.length + 1) / 2))
  return first.kind === 'send' ? [halved(first)] : []
}

function halved(step: Extract<Step, { kind: 'send' }>): Step {
  return { kind: 'send', body: step.body.slice(0, step.body.length / 2) }
}

function eventLine(body: object): string {
  return `data: ${JSON.stringify(body)}\r\n\r\n`
}

function envelope(call: SpeechCall, answer: object, tokens: Tokens, responseId = newResponseId()): object {
  return { ...answer, usageMetadata: usage(call, tokens), modelVersion: call.model, responseId }
}

function newResponseId(): string {
  return randomBytes(16).toString('base64url')
}

function usage(call: SpeechCall, { audio = 0, text = 0 }: Tokens): object {
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
