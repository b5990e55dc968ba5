/** How one narration is delivered; what a mode leaves out is what Gemini does on a good day. */
export type Delivery = {
  /** Audio that arrives. */
  readonly seconds: number
  /** Audio tokens that are charged for it. */
  readonly billedTokens: number
  /** Google's time until the headers leave. */
  readonly thinkMs: number
  /** `OTHER` comes in an event of its own, without content, when the answer is streamed; null: the stream just ends. */
  readonly finishReason: 'STOP' | 'OTHER' | 'MAX_TOKENS' | 'CONTINUATION' | null
  readonly amplitude: number
  readonly driftSemitones: number
  /** Streams: audio in one event, its type, and a silence of the server halfway. */
  readonly chunkSeconds: number
  readonly mimeType: string
  readonly stallMs: number
  readonly continuationToken: string | null
}

/** What is charged for an answer, by kind. */
export type Tokens = { readonly audio?: number; readonly text?: number }

/** An answer of `generateContent` without audio. */
export type PartialAnswer = {
  readonly candidates?: readonly {
    readonly content: { readonly parts?: readonly { readonly text: string }[] }
    readonly finishReason: string
    readonly index: number
  }[]
  readonly promptFeedback?: { readonly blockReason: string }
}

/** Once it speaks, about 3.4 times as fast as it plays; https://github.com/mgsgde/whisper-shortcut/pull/73 */
const SPEED = 3.4

/** Time in which so much audio is made. */
export function generationMs(seconds: number): number {
  return (seconds / SPEED) * 1_000
}

/** The 3.8 models answer with a complete file; those before them with bare samples. */
export function answersWithWav(model: string): boolean {
  return model.startsWith('gemini-3.8')
}
