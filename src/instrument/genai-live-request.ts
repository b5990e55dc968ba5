import type { LiveRequest } from './genai-live-call.ts'
import { asksForAudio, type GeminiApiClient, type GeminiParams, readGenerateRequest } from './genai-request.ts'

type Config = NonNullable<GeminiParams['config']>

/** What is read of the parameters of `live.connect` of @google/genai. */
export type LiveParams = {
  readonly model?: string
  readonly config?: Config & {
    /** The old place of the others. */
    readonly generationConfig?: Config
    readonly sessionResumption?: { readonly handle?: string }
    readonly proactivity?: { readonly proactiveAudio?: boolean }
  }
}

/** A connection of the Live API. Its settings have the names of those of `generateContent`; asked for nothing else, the model speaks. */
export function readLiveRequest({ model, config = {} }: LiveParams, client: GeminiApiClient | undefined): LiveRequest {
  const { generationConfig = {}, ...own } = config
  const settings = { ...generationConfig, ...own }
  const { responseModalities } = settings
  const call = readGenerateRequest({ ...(model === undefined ? {} : { model }), config: settings }, client, true)
  return {
    call: {
      ...call,
      endpoint: 'BidiGenerateContent',
      isSpeech: responseModalities === undefined || asksForAudio(responseModalities),
    },
    isResumed: Boolean(config.sessionResumption?.handle),
    mayBeSilent: config.proactivity?.proactiveAudio === true,
  }
}
