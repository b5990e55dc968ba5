import type { Attributes } from '@opentelemetry/api'
import { TTS_LANGUAGE, TTS_VOICE } from '../tts/semconv.ts'
import { createInteractionReader } from './genai-interaction.ts'
import { asksForAudio, type CallRequest, type GeminiApiClient, joinVoices, providerOf, timeoutOf } from './genai-request.ts'
import * as names from './genai-semconv.ts'

type Speech = { readonly voice?: string; readonly language?: string }
/** 3.x also takes the speakers wrapped. */
type SpeechConfig = readonly Speech[] | (Speech & { readonly speakers?: readonly Speech[] })
type Format = { readonly type?: string }

/** What is read of the parameters of `interactions.create` of @google/genai. */
export type InteractionParams = {
  readonly model?: string
  readonly agent?: string
  readonly input?: unknown
  readonly system_instruction?: unknown
  readonly stream?: boolean
  readonly background?: boolean
  readonly response_modalities?: readonly unknown[]
  readonly response_format?: Format | readonly Format[]
  readonly generation_config?: {
    readonly temperature?: number
    readonly top_p?: number
    readonly max_output_tokens?: number
    readonly seed?: number
    readonly stop_sequences?: string[]
    readonly thinking_level?: string
    readonly speech_config?: SpeechConfig
  }
}

/** What is read of the second parameter; 2.x and 3.x name its parts differently. */
export type InteractionOptions = {
  readonly timeout?: number
  readonly timeout_ms?: number
  readonly signal?: AbortSignal
  readonly fetch_options?: { readonly signal?: AbortSignal }
  readonly fetchOptions?: { readonly signal?: AbortSignal }
  readonly server_url?: string | URL
  readonly defaultBaseURL?: string
}

/** A call of `interactions.create`. */
export function readInteractionRequest(
  params: InteractionParams,
  options: InteractionOptions,
  client: GeminiApiClient | undefined,
): CallRequest {
  const config = params.generation_config ?? {}
  const isSpeech = config.speech_config !== undefined || asksForAudio(params.response_modalities) || formatsAudio(params.response_format)
  return {
    endpoint: 'interactions',
    isStream: params.stream === true,
    model: params.model ?? params.agent,
    provider: providerOf(client),
    baseUrl: String(options.server_url ?? options.defaultBaseURL ?? client?.getBaseUrl?.() ?? '') || undefined,
    isSpeech,
    isBackground: params.background === true && params.stream !== true,
    attributes: {
      [names.GEN_AI_REQUEST_TEMPERATURE]: config.temperature,
      [names.GEN_AI_REQUEST_TOP_P]: config.top_p,
      [names.GEN_AI_REQUEST_MAX_TOKENS]: config.max_output_tokens,
      [names.GEN_AI_REQUEST_SEED]: config.seed,
      [names.GEN_AI_REQUEST_STOP_SEQUENCES]: config.stop_sequences,
      [names.GEN_AI_REQUEST_REASONING_LEVEL]: config.thinking_level,
      ...speechAttributes(config.speech_config),
    },
    limits: {
      signal: options.signal ?? options.fetch_options?.signal ?? options.fetchOptions?.signal,
      timeoutMs: options.timeout_ms ?? options.timeout ?? timeoutOf(client),
    },
    input: params.input,
    systemInstruction: params.system_instruction,
    createReader: createInteractionReader,
  }
}

function formatsAudio(format: Format | readonly Format[] | undefined): boolean {
  return [format].flat().some((one) => one?.type === 'audio')
}

function speechAttributes(speech: SpeechConfig | undefined): Attributes {
  if (speech === undefined) return {}
  const speakers = [speech].flat().flatMap((one) => ('speakers' in one && one.speakers) || [one])
  return { [TTS_VOICE]: joinVoices(speakers.map(({ voice }) => voice)), [TTS_LANGUAGE]: speakers[0]?.language }
}
