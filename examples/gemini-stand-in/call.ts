import { VOICES } from './audio.ts'
import { type Api, invalidArgument, notFound, type Refusal } from './refusals.ts'

/** One request for speech, as a mode sees it. */
export type SpeechCall = {
  readonly api: Api
  readonly model: string
  readonly streamed: boolean
  /** What is to be said; the marker that chooses a mode is not. */
  readonly text: string
  readonly voice: string
  /** Set when the client asks for the next part of an answer that came with a token. */
  readonly continuationToken: string | null
  /** Mode that a marker in the text asks for, or several with commas between them. */
  readonly markedMode: string | null
}

/** Where a request goes. The body of an interaction says the rest. */
export type Target =
  | { readonly api: 'models'; readonly version: string; readonly model: string; readonly streamed: boolean }
  | { readonly api: 'interactions'; readonly version: string }

/** `models/{model}:{method}` or `interactions` of `POST /v1|/v1beta/…`, or null for any other path. */
export function parsePath(path: string): Target | null {
  const match = /^\/(v1|v1beta)\/(?:models\/([\w.-]+):(generateContent|streamGenerateContent)|interactions)$/.exec(path)
  if (!match) return null
  const [, version = '', model, method] = match
  if (model === undefined) return { api: 'interactions', version }
  return { api: 'models', version, model, streamed: method === 'streamGenerateContent' }
}

/** What a body asks for, in whichever API's spelling. */
type Asked = {
  readonly text: string
  readonly voice: string
  readonly modalities: readonly unknown[]
  readonly systemInstruction: unknown
  /** The first parameter of sampling that is set. */
  readonly sampling: string | undefined
  readonly continuationToken: string | null
}

/** Input limit of the speech models, in tokens. */
const INPUT_TOKENS_MAX = 8_192
const MARKER = /\[stand-in:\s*([\w-]+(?:\s*,\s*[\w-]+)*)\s*\]/

/** Reads a request body as far as speech needs it; a refusal is what Gemini itself answers to the same mistake. */
export function parseCall(target: Target, body: unknown): SpeechCall | Refusal {
  const { api, version } = target
  const model = target.api === 'models' ? target.model : (asString(at(body, 'model')) ?? '')
  const streamed = target.api === 'models' ? target.streamed : at(body, 'stream') === true
  if (!model.includes('tts'))
    return notFound(`models/${model} is not found for API version ${version}, or is not supported for generateContent.`)
  const asked = api === 'models' ? readGenerate(body) : readInteraction(body)
  const mistake = mistakeIn(asked, model)
  if (mistake) return invalidArgument(mistake)
  return {
    api,
    model,
    streamed,
    text: asked.text.replace(MARKER, '').trim(),
    voice: asked.voice,
    continuationToken: asked.continuationToken,
    markedMode: MARKER.exec(asked.text)?.[1] ?? null,
  }
}

function readGenerate(body: unknown): Asked {
  const config = at(body, 'generationConfig')
  const [firstSpeaker] = asArray(at(config, 'speechConfig', 'multiSpeakerVoiceConfig', 'speakerVoiceConfigs'))
  const voice = at(config, 'speechConfig', 'voiceConfig') ?? at(firstSpeaker, 'voiceConfig')
  return {
    text: textOf(asArray(at(body, 'contents')).flatMap((content) => asArray(at(content, 'parts')))),
    voice: asString(at(voice, 'prebuiltVoiceConfig', 'voiceName')) ?? asString(at(voice, 'voice')) ?? 'Kore',
    modalities: asArray(at(config, 'responseModalities')),
    systemInstruction: at(body, 'systemInstruction'),
    sampling: ['temperature', 'topP', 'topK'].find((name) => at(config, name) !== undefined),
    continuationToken: asString(at(body, 'continuationToken')),
  }
}

/** https://ai.google.dev/api/interactions-api */
function readInteraction(body: unknown): Asked {
  const config = at(body, 'generation_config')
  const input = at(body, 'input')
  const token = asString(at(body, 'continuation_token'))
  const speakers = asArray(at(config, 'speech_config', 'speakers') ?? at(config, 'speech_config'))
  return {
    // A continuation comes without the text: here the token holds it.
    text: token ? textOfToken(token) : typeof input === 'string' ? input : textOf(asArray(input).flatMap(contentOf)),
    voice: asString(at(speakers[0], 'voice')) ?? 'Kore',
    modalities: asArray(at(body, 'response_modalities')),
    systemInstruction: at(body, 'system_instruction'),
    sampling: ['temperature', 'top_p'].find((name) => at(config, name) !== undefined),
    continuationToken: token,
  }
}

/** A token for the rest of `text`. */
export function tokenForRest(text: string): string {
  return `stand-in-part-2.${Buffer.from(text).toString('base64url')}`
}

function textOfToken(token: string): string {
  return Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
}

/** Content stands alone, or in steps. */
function contentOf(item: unknown): readonly unknown[] {
  return at(item, 'content') === undefined ? [item] : asArray(at(item, 'content'))
}

function mistakeIn({ text, voice, modalities, systemInstruction, sampling }: Asked, model: string): string | null {
  if (text.trim() === '') return '* GenerateContentRequest.contents: contents is not specified\n'
  const tokens = tokensOf(text)
  if (tokens > INPUT_TOKENS_MAX)
    return `The input token count (${tokens}) exceeds the maximum number of tokens allowed (${INPUT_TOKENS_MAX}).`
  if (!modalities.some((modality) => String(modality).toUpperCase() === 'AUDIO'))
    return `The requested combination of response modalities (TEXT) is not supported by the model. models/${model} accepts the following combination of response modalities:\n* AUDIO\n`
  if (systemInstruction) return `Developer instruction is not enabled for models/${model}`
  if (sampling && model.startsWith('gemini-3.8')) return `${sampling} is not supported by models/${model}.`
  if (!voice.startsWith('voice_') && !VOICES.some((name) => name.toLowerCase() === voice.toLowerCase()))
    return `Voice name ${voice} is not supported. Allowed voice names are: ${VOICES.join(', ').toLowerCase()}`
  return null
}

/** Rough, as no tokenizer is at hand: four characters make a token. */
export function tokensOf(text: string): number {
  return Math.ceil(text.length / 4)
}

/** The texts among the parts of a message. */
export function textOf(parts: readonly unknown[]): string {
  return parts
    .map((part) => asString(at(part, 'text')) ?? '')
    .join(' ')
    .trim()
}

/** What stands at `path` in parsed JSON. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, key) => (isRecord(inner) ? inner[key] : undefined), value)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** The value if it is a list, else an empty one. */
export function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** The value if it is a text with something in it. */
export function asString(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}
