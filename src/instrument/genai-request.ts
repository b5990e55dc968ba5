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
import {
  GEN_AI_REQUEST_CHOICE_COUNT,
  GEN_AI_REQUEST_MAX_TOKENS,
  GEN_AI_REQUEST_SEED,
  GEN_AI_REQUEST_TEMPERATURE,
  GEN_AI_REQUEST_TOP_K,
  GEN_AI_REQUEST_TOP_P,
} from './genai-semconv.ts'
import type { Origin } from './origin.ts'

type Voice = { readonly voice?: string; readonly prebuiltVoiceConfig?: { readonly voiceName?: string } }
/** The client also takes the voice's bare name. */
type SpeechConfig = string | { readonly languageCode?: string; readonly voiceConfig?: Voice }

/** What is read of the parameters of `generateContent` of @google/genai; never `contents`, which hold the text. */
export type GeminiParams = {
  readonly model?: string
  readonly config?: {
    readonly abortSignal?: AbortSignal
    readonly httpOptions?: { readonly baseUrl?: string; readonly timeout?: number }
    readonly responseModalities?: readonly unknown[]
    readonly speechConfig?: SpeechConfig
    readonly temperature?: number
    readonly topP?: number
    readonly topK?: number
    readonly maxOutputTokens?: number
    readonly seed?: number
    readonly candidateCount?: number
  }
}

/** What is asked of the client that makes the call; internal to @google/genai, so every part may be missing. */
export type GeminiApiClient = { isVertexAI?(): boolean; getBaseUrl?(): string; getTimeout?(): number | undefined }

export type Endpoint = 'generateContent' | 'streamGenerateContent'

/** Whether the caller asked to hear something. */
export function wantsAudio({ config }: GeminiParams): boolean {
  if (config?.speechConfig !== undefined) return true
  return config?.responseModalities?.some((modality) => String(modality).toUpperCase() === 'AUDIO') ?? false
}

/** Where the call goes: of the call, else of the client. */
export function baseUrlOf({ config }: GeminiParams, client: GeminiApiClient | undefined): string | undefined {
  return config?.httpOptions?.baseUrl ?? client?.getBaseUrl?.()
}

/** Attributes that span and metrics share. */
export function sharedAttributes(params: GeminiParams, client: GeminiApiClient | undefined, server: Origin | undefined): Attributes {
  const attributes: Attributes = {
    [GEN_AI_OPERATION_NAME]: 'generate_content',
    [GEN_AI_PROVIDER_NAME]: client?.isVertexAI?.() ? 'gcp.vertex_ai' : 'gcp.gemini',
  }
  if (params.model !== undefined) attributes[GEN_AI_REQUEST_MODEL] = modelName(params.model)
  if (!server) return attributes
  attributes[SERVER_ADDRESS] = server.address
  attributes[SERVER_PORT] = server.port
  return attributes
}

/** `models/x`, `projects/…/publishers/google/models/x` and `google/x` all mean `x`. */
function modelName(model: string): string {
  return model.startsWith('tunedModels/') ? model : model.slice(model.lastIndexOf('/') + 1)
}

/** What the span knows of the request besides; undefined values are ignored by the SDK. */
export function requestAttributes(params: GeminiParams, endpoint: Endpoint): Attributes {
  const config = params.config ?? {}
  return {
    [API_ENDPOINT]: endpoint,
    [GEN_AI_REQUEST_STREAM]: endpoint === 'streamGenerateContent' || undefined,
    [GEN_AI_OUTPUT_TYPE]: wantsAudio(params) ? 'speech' : undefined,
    [GEN_AI_REQUEST_TEMPERATURE]: config.temperature,
    [GEN_AI_REQUEST_TOP_P]: config.topP,
    [GEN_AI_REQUEST_TOP_K]: config.topK,
    [GEN_AI_REQUEST_MAX_TOKENS]: config.maxOutputTokens,
    [GEN_AI_REQUEST_SEED]: config.seed,
    [GEN_AI_REQUEST_CHOICE_COUNT]: config.candidateCount === 1 ? undefined : config.candidateCount,
    ...speechAttributes(config.speechConfig),
  }
}

function speechAttributes(speech: SpeechConfig | undefined): Attributes {
  if (speech === undefined) return {}
  if (typeof speech === 'string') return { [TTS_VOICE]: speech }
  const { languageCode, voiceConfig } = speech
  return { [TTS_VOICE]: voiceConfig?.prebuiltVoiceConfig?.voiceName ?? voiceConfig?.voice, [TTS_LANGUAGE]: languageCode }
}
