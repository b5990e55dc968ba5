/** Some of the thirty voices that Gemini has; https://ai.google.dev/gemini-api/docs/speech-generation#voices */
export const VOICES = [
  { name: 'Kore', style: 'firm' },
  { name: 'Puck', style: 'upbeat' },
  { name: 'Leda', style: 'youthful' },
  { name: 'Aoede', style: 'breezy' },
  { name: 'Charon', style: 'informative' },
  { name: 'Sulafat', style: 'warm' },
] as const

export const LANGUAGES = ['en-US', 'de-DE', 'es-ES', 'fr-FR', 'ja-JP', 'vi-VN'] as const

/** What to say, and how. */
export type Order = { readonly text: string; readonly voice: string; readonly language: string }

/** Longer texts belong into a batch; at 15 characters a second this is over five minutes of audio. */
const TEXT_LENGTH_MAX = 5_000

/** JSON schema of an {@link Order}. */
export const ORDER_SCHEMA = {
  type: 'object',
  required: ['text', 'voice', 'language'],
  additionalProperties: false,
  properties: {
    text: { type: 'string', minLength: 1, maxLength: TEXT_LENGTH_MAX, pattern: '\\S' },
    voice: { enum: VOICES.map((voice) => voice.name) },
    language: { enum: LANGUAGES },
  },
} as const
