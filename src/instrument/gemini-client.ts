import { processConfig } from '../config.ts'
import type { CallRecorderOptions } from './genai-call.ts'
import { createGeminiInstrument } from './google-genai.ts'
import { createGuard } from './guard.ts'

/** What of the settings of speech applies to calls of Gemini; what is left out is taken from the environment. */
export type GeminiOptions = Partial<CallRecorderOptions>

/**
 * Watches `client` (a `GoogleGenAI`): for apps that bundle @google/genai, where `--import tts-otel/register` cannot find the module.
 * A client that is watched already is left alone. Without registration only a surrounding `ttsRequest` learns of the calls.
 *
 * @returns the same client.
 */
export function instrumentGemini<T extends object>(client: T, options: GeminiOptions = {}): T {
  createGeminiInstrument(createGuard('google-genai'), { ...processConfig().config.speech, ...options }).watchClient(client)
  return client
}
