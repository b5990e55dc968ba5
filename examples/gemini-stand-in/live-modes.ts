import { answerLive, interrupted, type LiveQuestion, type LiveStep, speakHalf, speakLive, wait } from './live-script.ts'

/** One way in which the Live API answers. */
export type LiveMode = {
  /** What the caller gets, in one line. */
  readonly doc: string
  /** Where it was seen. */
  readonly source: string
  /** One turn; a function that the app has run is answered by a turn of `ok`. */
  readonly turn: (question: LiveQuestion) => readonly LiveStep[]
}

const LIVE = 'https://ai.google.dev/api/live'
const close = (code: number, reason: string): LiveStep => ({ kind: 'close', code, reason })
const CLOSED_FOR_QUOTA = close(1011, 'You exceeded your current quota, please check your plan and billing details.')

/** Every way a connection can go, by the name that chooses it. The first is what happens when nobody asks for another. */
export const LIVE_MODES = {
  ok: { doc: 'Speech: raw PCM in pieces of 0.25 s, and the tokens of the turn at its end', source: LIVE, turn: speakLive },
  'silent-turn': {
    doc: 'A turn that is complete and holds nothing; its tokens are charged',
    source: 'https://github.com/googleapis/python-genai/issues/2117',
    turn: (question) => answerLive(question, null),
  },
  'text-instead': {
    doc: 'The model answers with text instead of audio',
    source: 'https://ai.google.dev/gemini-api/docs/speech-generation#limitations',
    turn: (question) => answerLive(question, 'Sure! Here is the narration you asked for.'),
  },
  rejected: {
    doc: 'A turn without content and turnCompleteReason RESPONSE_REJECTED',
    source: 'https://googleapis.github.io/js-genai/release_docs/enums/types.TurnCompleteReason.html',
    turn: (question) => answerLive(question, null, { turnCompleteReason: 'RESPONSE_REJECTED' }),
  },
  interrupted: {
    doc: 'Half of the audio, then `interrupted`, as when the user speaks',
    source: 'https://github.com/googleapis/python-genai/issues/1224',
    turn: (question) => speakHalf(question, interrupted(question)),
  },
  'tool-call': {
    doc: 'A function is to be called; speech when it has answered',
    source: LIVE,
    turn: () => [{ kind: 'send', message: { toolCall: { functionCalls: [{ id: 'call-1', name: 'now', args: {} }] } } }],
  },
  'go-away': {
    doc: 'Speech, and meanwhile the message that 50 s are left; then 1011 "Deadline expired", in no turn',
    source: 'https://github.com/kizuna-ai-lab/sokuji/issues/179',
    turn: (question) => [
      { kind: 'send', message: { goAway: { timeLeft: '50s' } } },
      ...speakLive(question),
      wait(50_000),
      close(1011, 'Deadline expired before operation could complete.'),
    ],
  },
  deadline: {
    doc: 'Half of the audio, then 1011 "Deadline expired"',
    source: 'https://github.com/kizuna-ai-lab/sokuji/issues/179',
    turn: (question) => speakHalf(question, [close(1011, 'Deadline expired before operation could complete.')]),
  },
  'internal-mid-turn': {
    doc: 'Half of the audio, then 1011 "Internal error"',
    source: 'https://github.com/google/adk-python/issues/3918',
    turn: (question) => speakHalf(question, [close(1011, 'Internal error encountered.')]),
  },
  invalid: {
    doc: '1007 "Request contains an invalid argument" instead of an answer',
    source: 'https://github.com/google/adk-python/issues/225',
    turn: () => [close(1007, 'Request contains an invalid argument.')],
  },
  policy: {
    doc: '1008 "Operation is not implemented, or supported, or enabled" instead of an answer',
    source: 'https://github.com/googleapis/js-genai/issues/1236',
    turn: () => [close(1008, 'Operation is not implemented, or supported, or enabled.')],
  },
  quota: {
    doc: '1011 with the text of a quota that ran out, instead of an answer',
    source: 'https://github.com/sohzm/cheating-daddy/pull/458',
    turn: () => [CLOSED_FOR_QUOTA],
  },
  'closed-mid-turn': {
    doc: 'Half of the audio, then a normal close (1000)',
    source: 'any network',
    turn: (question) => speakHalf(question, [close(1000, '')]),
  },
  'broken-mid-turn': { doc: 'Half of the audio, then the connection breaks', source: 'any network', turn: breakOff },
  'not-closed': {
    doc: 'Speech and `generationComplete`, and no `turnComplete`, as while the server waits until it has been played',
    source: LIVE,
    turn: (question) => [...speakLive(question).slice(0, -1), { kind: 'hang' }],
  },
  stall: {
    doc: 'Half of the audio, and nothing more',
    source: 'https://github.com/google-gemini/gemini-live-api-examples/issues/52',
    turn: (question) => speakHalf(question, [{ kind: 'hang' }]),
  },
  refused: { doc: '403 instead of a WebSocket', source: 'any proxy', turn: () => [] },
} as const satisfies Record<string, LiveMode>

export type LiveModeName = keyof typeof LIVE_MODES

export function isLiveModeName(name: string): name is LiveModeName {
  return Object.hasOwn(LIVE_MODES, name)
}

function breakOff(question: LiveQuestion): readonly LiveStep[] {
  return speakHalf(question, [{ kind: 'break' }])
}
