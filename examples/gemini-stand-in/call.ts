import { VOICES } from './audio.ts'
import { invalidArgument, notFound, type Refusal } from './refusals.ts'

/** One request for speech, as a mode sees it. */
export type SpeechCall = {
  readonly model: string
  readonly streamed: boolean
  /** What is to be said; the marker that chooses a mode is not. */
  readonly text: string
  readonly voice: string
  /** Set when the client asks for the next part of an answer that came with a token. */
  readonly continuationToken: string | null
  /** Mode that a marker in the text asks for. */
  readonly markedMode: string | null
}

/** `models/{model}:{method}` of `POST /v1|/v1beta/…`, or null for any other path. */
export function parsePath(path: string): { version: string; model: string; streamed: boolean } | null {
  const match = /^\/(v1|v1beta)\/models\/([\w.-]+):(generateContent|streamGenerateContent)$/.exec(path)
  if (!match) return null
  const [, version = '', model = '', method = ''] = match
  return { version, model, streamed: method === 'streamGenerateContent' }
}

/** Input limit of the speech models, in tokens. */
const INPUT_TOKENS_MAX = 8_192
const MARKER = /\[stand-in:\s*([\w-]+)\s*\]/

/** Reads a request body as far as speech needs it; a refusal is what Gemini itself answers to the same mistake. */
export function parseCall(target: { version: string; model: string; streamed: boolean }, body: unknown): SpeechCall | Refusal {
  const { version, model, streamed } = target
  if (!model.includes('tts'))
    return notFound(`models/${model} is not found for API version ${version}, or is not supported for generateContent.`)
  const spoken = textOf(body)
  const mistake = mistakeIn(body, spoken, model)
  if (mistake) return invalidArgument(mistake)
  return {
    model,
    streamed,
    text: spoken.replace(MARKER, '').trim(),
    voice: voiceOf(body),
    continuationToken: asString(at(body, 'continuationToken')),
    markedMode: MARKER.exec(spoken)?.[1] ?? null,
  }
}

function mistakeIn(body: unknown, text: string, model: string): string | null {
  if (text === '') return '* GenerateContentRequest.contents: contents is not specified\n'
  const tokens = tokensOf(text)
  if (tokens > INPUT_TOKENS_MAX)
    return `The input token count (${tokens}) exceeds the maximum number of tokens allowed (${INPUT_TOKENS_MAX}).`
  if (!asArray(at(body, 'generationConfig', 'responseModalities')).includes('AUDIO'))
    return `The requested combination of response modalities (TEXT) is not supported by the model. models/${model} accepts the following combination of response modalities:\n* AUDIO\n`
  if (at(body, 'systemInstruction')) return `Developer instruction is not enabled for models/${model}`
  const sampling = ['temperature', 'topP', 'topK'].find((name) => at(body, 'generationConfig', name) !== undefined)
  if (sampling && model.startsWith('gemini-3.8')) return `${sampling} is not supported by models/${model}.`
  const voice = voiceOf(body)
  if (!voice.startsWith('voice_') && !VOICES.some((name) => name.toLowerCase() === voice.toLowerCase()))
    return `Voice name ${voice} is not supported. Allowed voice names are: ${VOICES.join(', ').toLowerCase()}`
  return null
}

/** Rough, as no tokenizer is at hand: four characters make a token. */
export function tokensOf(text: string): number {
  return Math.ceil(text.length / 4)
}

function textOf(body: unknown): string {
  const parts = asArray(at(body, 'contents')).flatMap((content) => asArray(at(content, 'parts')))
  return parts
    .map((part) => asString(at(part, 'text')) ?? '')
    .join(' ')
    .trim()
}

function voiceOf(body: unknown): string {
  const speech = at(body, 'generationConfig', 'speechConfig')
  const [firstSpeaker] = asArray(at(speech, 'multiSpeakerVoiceConfig', 'speakerVoiceConfigs'))
  const config = at(speech, 'voiceConfig') ?? at(firstSpeaker, 'voiceConfig')
  return asString(at(config, 'prebuiltVoiceConfig', 'voiceName')) ?? asString(at(config, 'voice')) ?? 'Kore'
}

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, key) => (isRecord(inner) ? inner[key] : undefined), value)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function asString(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}
