import { type SpeechCall, tokenForRest } from './call.ts'
import {
  type Api,
  BAD_REQUEST,
  DEADLINE,
  EXHAUSTED,
  errorLine,
  FORBIDDEN,
  INTERNAL,
  notFound,
  quotaExceeded,
  refuse,
  UNAVAILABLE,
} from './refusals.ts'
import { eventStream, type Script } from './script.ts'
import { AUDIO_TOKENS_PER_SECOND, answerOnce, breakOff, cutShort, secondsOf, speak } from './speech.ts'

/** One way in which Gemini answers. */
export type Mode = {
  /** What the caller gets, in one line. */
  readonly doc: string
  /** Where it was seen. */
  readonly source: string
  readonly answer: (call: SpeechCall) => Script
}

const COOKBOOK_1231 = 'https://github.com/google-gemini/cookbook/issues/1231'
const ADT_849 = 'https://github.com/unicef/adt-studio/pull/849'
const GEMINI_CLI_8437 = 'https://github.com/google-gemini/gemini-cli/issues/8437'
const ERROR_GUIDE = 'https://ai.google.dev/gemini-api/docs/troubleshooting'
const TRUNCATION = 'https://github.com/googleapis/python-genai/issues/922'
const FETCH = 'any network'
const FINISH_REASONS = 'https://ai.google.dev/api/generate-content#FinishReason'

/** Tokens that cookbook#1231 was charged for an answer without audio. */
const NO_AUDIO_BILLED_TOKENS = 5_516
/** 20 s, 1,280,000 base64 characters and 640 tokens, as reported again and again. */
const CUT = { seconds: 20, billedTokens: 640 }

/** Every way this server can answer, by the name that chooses it. The first is what happens when nobody asks for another. */
export const MODES = {
  ok: {
    doc: 'Speech: a complete WAV, or a stream of raw PCM',
    source: 'https://ai.google.dev/gemini-api/docs/speech-generation',
    answer: (call) => speak(call),
  },
  slow: {
    doc: 'Speech after 21 s, as a success took on a bad day',
    source: ADT_849,
    answer: (call) => speak(call, { thinkMs: 21_000 }),
  },
  quota: {
    doc: '429 naming the quota (requests a minute), retry in 20 s',
    source: GEMINI_CLI_8437,
    answer: (call) => refuse(quotaExceeded('GenerateRequestsPerMinute', call.model, 20), call.api),
  },
  'quota-brief': {
    doc: '429 naming the quota (requests a minute), retry in 1 s',
    source: 'https://github.com/googleapis/python-genai/issues/1875',
    answer: (call) => refuse(quotaExceeded('GenerateRequestsPerMinute', call.model, 1), call.api),
  },
  'quota-day': {
    doc: '429 naming the quota (requests a day), retry in 8 h',
    source: GEMINI_CLI_8437,
    answer: (call) => refuse(quotaExceeded('GenerateRequestsPerDay', call.model, 28_800), call.api),
  },
  'quota-tokens': {
    doc: '429 naming the quota (input tokens a minute), retry in 20 s',
    source: 'https://github.com/google-gemini/gemini-cli/issues/4656',
    answer: (call) => refuse(quotaExceeded('GenerateContentInputTokensPerModelPerMinute', call.model, 20), call.api),
  },
  'quota-plain': {
    doc: '429 without details',
    source: 'https://github.com/continuedev/continue/issues/10062',
    answer: (call) => refuse(EXHAUSTED, call.api),
  },
  internal: {
    doc: '500 INTERNAL, every time',
    source: 'https://github.com/googleapis/js-genai/issues/1058',
    answer: (call) => refuse(INTERNAL, call.api),
  },
  'bad-request': { doc: '400 INVALID_ARGUMENT', source: ERROR_GUIDE, answer: (call) => refuse(BAD_REQUEST, call.api) },
  forbidden: { doc: '403 PERMISSION_DENIED', source: ERROR_GUIDE, answer: (call) => refuse(FORBIDDEN, call.api) },
  'not-found': {
    doc: '404 NOT_FOUND, as for a model that was shut down',
    source: ERROR_GUIDE,
    answer: (call) =>
      refuse(notFound(`models/${call.model} is not found for API version v1, or is not supported for generateContent.`), call.api),
  },
  unavailable: { doc: '503 UNAVAILABLE: the model is overloaded', source: ERROR_GUIDE, answer: (call) => refuse(UNAVAILABLE, call.api) },
  deadline: { doc: '504 DEADLINE_EXCEEDED', source: ERROR_GUIDE, answer: (call) => refuse(DEADLINE, call.api) },
  'error-in-stream': {
    doc: 'A stream that begins well and then carries an error object (503), under HTTP 200; unary: the 503 itself',
    source: 'https://github.com/googleapis/js-genai (throws ApiError while iterating)',
    answer: (call) => (call.streamed ? failing(speak(call, { finishReason: null }), call.api) : refuse(UNAVAILABLE, call.api)),
  },
  'no-audio': {
    doc: '200 with empty content, finishReason OTHER, and 5,516 audio tokens charged',
    source: COOKBOOK_1231,
    answer: (call) => answerOnce(call, NOTHING_SAID, { audio: NO_AUDIO_BILLED_TOKENS }),
  },
  'slow-no-audio': {
    doc: 'The same after 148 s',
    source: ADT_849,
    answer: (call) => answerOnce(call, NOTHING_SAID, { audio: NO_AUDIO_BILLED_TOKENS }, 148_000),
  },
  truncated: {
    doc: 'Half of the audio, then finishReason OTHER, under HTTP 200; all of it is charged',
    source: TRUNCATION,
    answer: (call) => speak(call, { seconds: secondsOf(call) / 2, billedTokens: billed(call), finishReason: 'OTHER' }),
  },
  'no-finish-reason': {
    doc: 'Half of the audio, then a clean end without a finishReason',
    source: 'https://github.com/googleapis/js-genai (ends without an error)',
    answer: (call) => speak(call, { seconds: secondsOf(call) / 2, billedTokens: billed(call), finishReason: null }),
  },
  'twenty-seconds': {
    doc: 'Exactly 20 s of audio in one piece, however long the text, then finishReason OTHER',
    source: 'https://discuss.ai.google.dev/t/144813',
    answer: (call) =>
      speak(call, { ...CUT, chunkSeconds: CUT.seconds, mimeType: 'audio/l16; rate=24000; channels=1', finishReason: 'OTHER' }),
  },
  stall: {
    doc: 'A silence of 15 s halfway through the stream; unary: 15 s late',
    source: 'https://github.com/mgsgde/whisper-shortcut/pull/73',
    answer: (call) => speak(call, { stallMs: 15_000 }),
  },
  'header-only': {
    doc: 'A WAV of 44 bytes, which is a header and no sound; streamed: a part without data',
    source: ADT_849,
    answer: (call) => speak(call, { seconds: 0, billedTokens: billed(call) }),
  },
  'near-silent': {
    doc: 'Audio of the right length in which nothing can be heard (peak 3 of 32,767)',
    source: ADT_849,
    answer: (call) => speak(call, { amplitude: 3 }),
  },
  repeated: {
    doc: 'The text is narrated three times over',
    source: ADT_849,
    answer: (call) => speak(call, { seconds: secondsOf(call) * 3 }),
  },
  'voice-drift': {
    doc: 'The voice rises by half an octave on the way',
    source: ADT_849,
    answer: (call) => speak(call, { driftSemitones: 6 }),
  },
  'prompt-read-aloud': {
    doc: 'Five seconds of instructions are spoken before the text',
    source: 'https://ai.google.dev/gemini-api/docs/speech-generation#limitations',
    answer: (call) => speak(call, { seconds: secondsOf(call) + 5 }),
  },
  'text-instead': {
    doc: 'The model answers with text instead of audio',
    source: 'https://ai.google.dev/gemini-api/docs/speech-generation#limitations',
    answer: (call) => answerOnce(call, { candidates: [WRITTEN] }, { text: 9 }),
  },
  blocked: {
    doc: 'The prompt is blocked: promptFeedback and no candidate',
    source: 'https://ai.google.dev/api/generate-content#PromptFeedback',
    answer: (call) => answerOnce(call, { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' } }, {}),
  },
  safety: {
    doc: 'The answer is withheld: finishReason SAFETY and no content',
    source: FINISH_REASONS,
    answer: (call) => answerOnce(call, withheld('SAFETY'), {}),
  },
  recitation: {
    doc: 'The answer is withheld: finishReason RECITATION and no content',
    source: FINISH_REASONS,
    answer: (call) => answerOnce(call, withheld('RECITATION'), {}),
  },
  'max-tokens': {
    doc: 'Half of the audio, then finishReason MAX_TOKENS',
    source: FINISH_REASONS,
    answer: (call) => speak(call, { seconds: secondsOf(call) / 2, finishReason: 'MAX_TOKENS' }),
  },
  'empty-candidates': {
    doc: '200 with an empty list of candidates and no reason',
    source: COOKBOOK_1231,
    answer: (call) => answerOnce(call, { candidates: [] }, {}),
  },
  malformed: {
    doc: 'A body that ends in the middle of its JSON, under HTTP 200',
    source: FETCH,
    answer: (call) => cutShort(speak(call)),
  },
  proxy: {
    doc: '502 with a page in HTML, as a proxy in between answers',
    source: FETCH,
    answer: () => BAD_GATEWAY,
  },
  continuation: {
    doc: 'Half of the audio and a continuationToken; the client comes back for the rest by itself',
    source: 'https://github.com/googleapis/js-genai (automaticContinuation)',
    answer: (call) => speak(call, { seconds: secondsOf(call) / 2, ...(call.continuationToken ? {} : moreToCome(call)) }),
  },
  reset: {
    doc: 'The connection breaks in the middle of the body',
    source: FETCH,
    answer: (call) => breakOff(speak(call)),
  },
  hang: {
    doc: 'No answer, until the client gives up',
    source: FETCH,
    answer: () => eventStream(0, [{ kind: 'hang' }]),
  },
} as const satisfies Record<string, Mode>

export type ModeName = keyof typeof MODES

export function isModeName(name: string): name is ModeName {
  return Object.hasOwn(MODES, name)
}

const NOTHING_SAID = { candidates: [{ content: {}, finishReason: 'OTHER', index: 0 }] }
const withheld = (finishReason: string) => ({ candidates: [{ content: {}, finishReason, index: 0 }] })
const BAD_GATEWAY: Script = {
  status: 502,
  contentType: 'text/html; charset=utf-8',
  thinkMs: 120,
  steps: [{ kind: 'send', body: '<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n' }],
}
const WRITTEN = {
  content: { parts: [{ text: 'Sure! Here is the narration you asked for.' }], role: 'model' },
  finishReason: 'STOP',
  index: 0,
}

function moreToCome(call: SpeechCall) {
  return { finishReason: 'CONTINUATION', continuationToken: tokenForRest(call.text) } as const
}

function billed(call: SpeechCall): number {
  return Math.ceil(secondsOf(call) * AUDIO_TOKENS_PER_SECOND)
}

/** The first half of a stream, and an error object where the rest should be. */
function failing(script: Script, api: Api): Script {
  const half = script.steps.slice(0, Math.ceil(script.steps.length / 2))
  return { ...script, steps: [...half, { kind: 'send', body: errorLine(UNAVAILABLE, api) }] }
}
