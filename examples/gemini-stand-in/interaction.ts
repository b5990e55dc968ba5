import { randomBytes } from 'node:crypto'
import { BYTES_PER_SECOND, SAMPLE_RATE_HZ, toWav } from './audio.ts'
import { type SpeechCall, tokensOf } from './call.ts'
import { answersWithWav, type Delivery, generationMs, type PartialAnswer, type Tokens } from './delivery.ts'
import { eventStream, json, type Script, type Step } from './script.ts'

/**
 * How the interactions API says what `generateContent` says by a finish reason. https://ai.google.dev/api/interactions-api
 * Where nobody has published what it does (OTHER, a stream that just ends), the nearest is taken.
 */
const STATUSES: Readonly<Record<string, string>> = {
  STOP: 'completed',
  OTHER: 'incomplete',
  MAX_TOKENS: 'incomplete',
  CONTINUATION: 'requires_continuation',
}

/** The interaction that speaks: one JSON body, or a stream of events. */
export function speakInteraction(call: SpeechCall, delivery: Delivery, pcm: Buffer): Script {
  const { thinkMs, stallMs, billedTokens, finishReason, continuationToken } = delivery
  const closing = {
    status: STATUSES[finishReason ?? 'OTHER'],
    ...(continuationToken ? { continuation_token: continuationToken } : {}),
    usage: usage(call, { audio: billedTokens }),
  }
  if (call.streamed) return streamed(call, delivery, pcm, closing)
  const [mime_type, bytes] = answersWithWav(call.model) ? ['audio/wav', toWav(pcm)] : ['audio/l16', pcm]
  const content = [{ type: 'audio', mime_type, ...SAMPLES, data: bytes.toString('base64') }]
  return json({ thinkMs: thinkMs + stallMs, body: { ...created(call), ...closing, steps: [{ type: 'model_output', content }] } })
}

/** An interaction without audio, in one piece. */
export function answerInteraction(call: SpeechCall, partial: PartialAnswer, tokens: Tokens, thinkMs: number): Script {
  const [candidate] = partial.candidates ?? []
  const blocked = partial.promptFeedback?.blockReason ?? (WITHHELD.has(candidate?.finishReason ?? '') ? candidate?.finishReason : undefined)
  const interaction = created(call)
  if (blocked !== undefined) return refuseToSpeak(call, blocked, thinkMs)
  const texts = (candidate?.content.parts ?? []).map(({ text }) => ({ type: 'text', text }))
  const closing = { status: 'completed', usage: usage(call, tokens) }
  if (!call.streamed) return json({ thinkMs, body: { ...interaction, ...closing, steps: [{ type: 'model_output', content: texts }] } })
  return eventStream(thinkMs, [
    event('interaction.created', { interaction }),
    ...texts.map((delta) => event('step.delta', { index: 0, delta })),
    event('interaction.completed', { interaction: { ...interaction, ...closing } }),
    DONE,
  ])
}

/** Codes of generation that was blocked: https://ai.google.dev/gemini-api/docs/api-errors */
const WITHHELD = new Set(['SAFETY', 'RECITATION', 'PROHIBITED_CONTENT'])
const SAMPLES = { sample_rate: SAMPLE_RATE_HZ, channels: 1 }
const DONE: Step = { kind: 'send', body: 'event: done\ndata: [DONE]\n\n' }

function refuseToSpeak(call: SpeechCall, reason: string, thinkMs: number): Script {
  const interaction = created(call)
  const error = { code: reason.toLowerCase(), message: `The generation was blocked: ${reason.toLowerCase()}.` }
  const closing = { status: 'failed', errors: [error], usage: usage(call, {}) }
  if (!call.streamed) return json({ thinkMs, body: { ...interaction, ...closing, steps: [] } })
  return eventStream(thinkMs, [event('interaction.created', { interaction }), event('error', { error }), DONE])
}

function streamed(call: SpeechCall, delivery: Delivery, pcm: Buffer, closing: object): Script {
  const interaction = created(call)
  const chunkBytes = Math.round(delivery.chunkSeconds * BYTES_PER_SECOND)
  const chunks = Math.max(1, Math.ceil(pcm.length / chunkBytes))
  const steps = Array.from({ length: chunks }, (_, i): readonly Step[] => {
    const chunk = pcm.subarray(i * chunkBytes, (i + 1) * chunkBytes)
    const delta = { type: 'audio', mime_type: 'audio/l16', ...SAMPLES, data: chunk.toString('base64') }
    const pauseMs = generationMs(chunk.length / BYTES_PER_SECOND) + (i === Math.floor(chunks / 2) ? delivery.stallMs : 0)
    return [...(i === 0 ? [] : [{ kind: 'wait', ms: pauseMs } as const]), event('step.delta', { index: 0, delta })]
  })
  const end = [event('step.stop', { index: 0 }), event('interaction.completed', { interaction: { ...interaction, ...closing } }), DONE]
  return eventStream(delivery.thinkMs, [
    event('interaction.created', { interaction }),
    event('step.start', { index: 0, step: { type: 'model_output' } }),
    ...steps.flat(),
    ...(delivery.finishReason === null ? [] : end),
  ])
}

function event(event_type: string, rest: object): Step {
  return { kind: 'send', body: `event: ${event_type}\ndata: ${JSON.stringify({ event_type, ...rest })}\n\n` }
}

function created({ model }: SpeechCall): object {
  const now = new Date().toISOString()
  return { id: randomBytes(16).toString('base64url'), object: 'interaction', model, status: 'in_progress', created: now, updated: now }
}

function usage(call: SpeechCall, { audio = 0, text = 0 }: Tokens): object {
  const input = tokensOf(call.text)
  const output = [...(text > 0 ? [{ modality: 'text', tokens: text }] : []), ...(audio > 0 ? [{ modality: 'audio', tokens: audio }] : [])]
  return {
    total_tokens: input + audio + text,
    total_input_tokens: input,
    input_tokens_by_modality: [{ modality: 'text', tokens: input }],
    total_cached_tokens: 0,
    total_output_tokens: audio + text,
    output_tokens_by_modality: output,
    total_tool_use_tokens: 0,
    total_thought_tokens: 0,
  }
}
