import type { Attributes } from '@opentelemetry/api'
import {
  API_ENDPOINT,
  GEN_AI_OPERATION_NAME,
  GEN_AI_OUTPUT_TYPE,
  GEN_AI_PROVIDER_NAME,
  GEN_AI_REQUEST_MODEL,
  GEN_AI_REQUEST_STREAM,
  SERVER_ADDRESS,
  SERVER_PORT,
  TTS_LANGUAGE,
  TTS_VOICE,
} from '../tts/semconv.ts'
import { type AnswerReader, createAnswerReader, type ReaderOptions } from './genai-answer.ts'
import type { CallLimits } from './genai-outcome.ts'
import * as names from './genai-semconv.ts'
import type { Origin } from './origin.ts'

/** One call of the client before it is made, whichever API it goes to. */
export type CallRequest = {
  readonly endpoint: 'generateContent' | 'streamGenerateContent' | 'interactions' | 'BidiGenerateContent'
  readonly isStream: boolean
  readonly model: string | undefined
  readonly provider: 'gcp.gemini' | 'gcp.vertex_ai'
  /** Of the call, else of the client. */
  readonly baseUrl: string | undefined
  /** The caller asked to hear something. */
  readonly isSpeech: boolean
  /** The answer only says that the work has begun. */
  readonly isBackground: boolean
  /** What only the span knows of the request; undefined values are ignored by the SDK. */
  readonly attributes: Attributes
  readonly limits: CallLimits
  /** The client's own objects, read only when content is captured. */
  readonly input: unknown
  readonly systemInstruction: unknown
  readonly createReader: (options: ReaderOptions) => AnswerReader
}

/** What is asked of the client that makes the call; internal to @google/genai, so every part may be missing. */
export type GeminiApiClient = {
  isVertexAI?(): boolean
  getBaseUrl?(): string
  readonly clientOptions?: { readonly httpOptions?: { readonly timeout?: number } }
}

type Voice = { readonly voice?: string; readonly prebuiltVoiceConfig?: { readonly voiceName?: string } }
type Speaker = { readonly voiceConfig?: Voice }
/** The client also takes the voice's bare name. */
type SpeechConfig =
  | string
  | {
      readonly languageCode?: string
      readonly voiceConfig?: Voice
      readonly multiSpeakerVoiceConfig?: { readonly speakerVoiceConfigs?: readonly Speaker[] }
    }

/** What is read of the parameters of `generateContent` of @google/genai. */
export type GeminiParams = {
  readonly model?: string
  readonly contents?: unknown
  readonly config?: {
    readonly abortSignal?: AbortSignal
    readonly httpOptions?: { readonly baseUrl?: string; readonly timeout?: number }
    readonly responseModalities?: readonly unknown[]
    readonly speechConfig?: SpeechConfig
    readonly systemInstruction?: unknown
    readonly temperature?: number
    readonly topP?: number
    readonly topK?: number
    readonly maxOutputTokens?: number
    readonly stopSequences?: string[]
    readonly frequencyPenalty?: number
    readonly presencePenalty?: number
    readonly thinkingConfig?: { readonly thinkingLevel?: string }
    readonly seed?: number
    readonly candidateCount?: number
  }
}

/** Longer ones, and the keys of cloned voices (`voicekey_…`, some kilobytes that are a secret by themselves), are `custom`. */
const VOICE_CHARS_MAX = 64

/** A call of `models.generateContent` or `generateContentStream`. */
export function readGenerateRequest(params: GeminiParams, client: GeminiApiClient | undefined, isStream: boolean): CallRequest {
  const config = params.config ?? {}
  const isSpeech = config.speechConfig !== undefined || asksForAudio(config.responseModalities)
  return {
    endpoint: isStream ? 'streamGenerateContent' : 'generateContent',
    isStream,
    model: params.model,
    provider: providerOf(client),
    baseUrl: config.httpOptions?.baseUrl ?? client?.getBaseUrl?.(),
    isSpeech,
    isBackground: false,
    attributes: {
      [names.GEN_AI_REQUEST_TEMPERATURE]: config.temperature,
      [names.GEN_AI_REQUEST_TOP_P]: config.topP,
      [names.GEN_AI_REQUEST_TOP_K]: config.topK,
      [names.GEN_AI_REQUEST_MAX_TOKENS]: config.maxOutputTokens,
      [names.GEN_AI_REQUEST_STOP_SEQUENCES]: config.stopSequences,
      [names.GEN_AI_REQUEST_FREQUENCY_PENALTY]: config.frequencyPenalty,
      [names.GEN_AI_REQUEST_PRESENCE_PENALTY]: config.presencePenalty,
      [names.GEN_AI_REQUEST_REASONING_LEVEL]: config.thinkingConfig?.thinkingLevel?.toLowerCase(),
      [names.GEN_AI_REQUEST_SEED]: config.seed,
      [names.GEN_AI_REQUEST_CHOICE_COUNT]: config.candidateCount === 1 ? undefined : config.candidateCount,
      ...speechAttributes(config.speechConfig),
    },
    limits: { signal: config.abortSignal, timeoutMs: config.httpOptions?.timeout ?? timeoutOf(client) },
    input: params.contents,
    systemInstruction: config.systemInstruction,
    createReader: createAnswerReader,
  }
}

/** Attributes that span and metrics share. */
export function sharedAttributes({ model, provider }: CallRequest, server: Origin | undefined): Attributes {
  const attributes: Attributes = { [GEN_AI_OPERATION_NAME]: 'generate_content', [GEN_AI_PROVIDER_NAME]: provider }
  if (model !== undefined) attributes[GEN_AI_REQUEST_MODEL] = modelName(model)
  if (!server) return attributes
  attributes[SERVER_ADDRESS] = server.address
  attributes[SERVER_PORT] = server.port
  return attributes
}

/** What the span knows of the request besides. */
export function requestAttributes(request: CallRequest): Attributes {
  return {
    [API_ENDPOINT]: request.endpoint,
    [GEN_AI_REQUEST_STREAM]: request.isStream || undefined,
    [GEN_AI_OUTPUT_TYPE]: request.isSpeech ? 'speech' : undefined,
    ...request.attributes,
  }
}

/** Who answers, as the convention names it. */
export function providerOf(client: GeminiApiClient | undefined): CallRequest['provider'] {
  return client?.isVertexAI?.() ? 'gcp.vertex_ai' : 'gcp.gemini'
}

/** The client's deadline for each HTTP request. */
export function timeoutOf(client: GeminiApiClient | undefined): number | undefined {
  return client?.clientOptions?.httpOptions?.timeout
}

/** Whether `AUDIO` is among the modalities, in either API's spelling. */
export function asksForAudio(modalities: readonly unknown[] | undefined): boolean {
  return modalities?.some((modality) => String(modality).toUpperCase() === 'AUDIO') ?? false
}

/** The voices of all speakers, each once, as one text; undefined when none is named. */
export function joinVoices(voices: readonly (string | undefined)[]): string | undefined {
  const named = voices.filter((voice) => voice !== undefined).map(shownVoice)
  return named.length === 0 ? undefined : [...new Set(named)].join(',')
}

function shownVoice(voice: string): string {
  return voice.length > VOICE_CHARS_MAX || voice.startsWith('voicekey_') ? 'custom' : voice
}

/** `models/x`, `projects/…/publishers/google/models/x` and `google/x` all mean `x`. */
function modelName(model: string): string {
  return model.startsWith('tunedModels/') ? model : model.slice(model.lastIndexOf('/') + 1)
}

function speechAttributes(speech: SpeechConfig | undefined): Attributes {
  if (speech === undefined) return {}
  if (typeof speech === 'string') return { [TTS_VOICE]: joinVoices([speech]) }
  const { languageCode, voiceConfig, multiSpeakerVoiceConfig } = speech
  const speakers = multiSpeakerVoiceConfig?.speakerVoiceConfigs?.map((speaker) => speaker.voiceConfig) ?? []
  const voices = [voiceConfig, ...speakers].map((config) => config?.prebuiltVoiceConfig?.voiceName ?? config?.voice)
  return { [TTS_VOICE]: joinVoices(voices), [TTS_LANGUAGE]: languageCode }
}
