import type { ModeName } from '../gemini-stand-in/modes.ts'

/** One request to the API and what should become of it. */
export type Call = {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly key?: string
  /** Sent as JSON; a string is sent as it is. */
  readonly body?: unknown
  readonly expected: number
  /** How the answer ends: it breaks off, or the caller does not wait for the end. */
  readonly ending?: 'broken' | 'hang-up'
  /** It is shown when all is done, under this title. */
  readonly featured?: string
}

/** Calls of one user, one after the other; scenes themselves run side by side. */
export type Scene = readonly Call[]

const GENERATE = '/api/v1/tts/generate'
const STREAM = '/api/v1/tts/stream'
const ALICE = { key: 'demo-alice', voice: 'Kore', language: 'en-US' }
const BOB = { key: 'demo-bob', voice: 'Leda', language: 'vi-VN' }

const ENGLISH = [
  'The next train to the coast leaves from platform four.',
  'Your parcel is on its way and should be with you tomorrow before noon.',
  'Turn left after the bridge.',
  'Good morning! It is eleven degrees and the wind comes from the west.',
  'Thank you for calling. All our colleagues are busy right now; please hold the line.',
]
const VIETNAMESE = [
  'Chuyến tàu tiếp theo ra biển khởi hành từ sân ga số bốn.',
  'Bưu kiện của bạn đang trên đường và sẽ đến trước trưa mai.',
  'Rẽ trái sau cây cầu.',
  'Chào buổi sáng! Trời mười một độ và có gió tây.',
  'Cảm ơn bạn đã gọi. Xin vui lòng giữ máy.',
]

function speak(user: typeof ALICE, text: string, change: Partial<Call> = {}): Call {
  const { key, voice, language } = user
  return { method: 'POST', path: GENERATE, key, body: { text, voice, language }, expected: 200, ...change }
}

/** A call in which the stand-in misbehaves. */
function misbehave(mode: ModeName, change: Partial<Call> = {}): Call {
  return speak(ALICE, `The next train leaves from platform four. [stand-in: ${mode}]`, { expected: 502, ...change })
}

const order = { text: 'Turn left after the bridge.', voice: 'Kore', language: 'en-US' }
const post = (key: string | undefined, body: unknown, expected: number): Call => ({
  method: 'POST',
  path: GENERATE,
  ...(key === undefined ? {} : { key }),
  body,
  expected,
})

/** Mistakes of callers; none of them reaches Gemini. */
const MISTAKES: readonly Scene[] = [
  [post('demo-alice', { ...order, text: '' }, 400)],
  [post('demo-alice', { ...order, voice: 'Bob' }, 400)],
  [post('demo-alice', { ...order, language: 'xx' }, 400)],
  [post('demo-bob', { voice: 'Kore', language: 'en-US' }, 400)],
  [post('demo-bob', '{"text": "no end', 400)],
  [post(undefined, order, 401), post(undefined, order, 401)],
  [post('demo-mallory', order, 401), post('demo-mallory', order, 401)],
  [{ method: 'GET', path: '/api/v1/music', expected: 404 }],
  // Carol may ask three times a minute, and her program has a bug.
  [...Array(3).fill(post('demo-carol', { ...order, voice: 'Carol' }, 400)), ...Array(3).fill(post('demo-carol', order, 429))],
]

const voices = (times: number): Scene => Array(times).fill({ method: 'GET', path: '/api/v1/voices', expected: 200 })

/** Traffic for the stand-in, which fails on demand. The slow ones begin first, so that nobody waits for them at the end. */
export const STAND_IN_SCENES: readonly Scene[] = [
  [misbehave('slow', { expected: 200 })],
  [speak(ALICE, ENGLISH.join(' '), { path: STREAM }), misbehave('error-in-stream', { path: STREAM, expected: 200, ending: 'broken' })],
  [
    speak(BOB, VIETNAMESE.join(' '), { path: STREAM }),
    speak(BOB, `${VIETNAMESE.join(' ')} [stand-in: stall]`, { path: STREAM, ending: 'hang-up' }),
  ],
  ...ENGLISH.map((text) => [speak(ALICE, text), speak(ALICE, `${text} ${text}`)]),
  ...VIETNAMESE.map((text) => [speak(BOB, text), speak(BOB, `${text} ${text}`)]),
  [misbehave('no-audio', { featured: 'One request that failed' }), misbehave('text-instead'), misbehave('blocked')],
  [speak(ALICE, `${ENGLISH[2]} [stand-in: quota-brief, ok]`, { featured: 'One that Gemini refused at first' })],
  [misbehave('quota'), misbehave('quota-plain'), misbehave('reset')],
  [misbehave('internal')],
  [misbehave('unavailable')],
  [misbehave('truncated', { expected: 200 }), misbehave('header-only', { expected: 200 })],
  ...MISTAKES,
  voices(2),
]

/** Traffic for the real Gemini: three short texts, which cost about a tenth of a cent, and everything that costs nothing. */
export const REAL_SCENES: readonly Scene[] = [
  [speak(ALICE, 'Turn left after the bridge.', { featured: 'One request' })],
  [speak(BOB, 'Rẽ trái sau cây cầu.')],
  [speak(ALICE, 'Turn right after the bridge.', { path: STREAM })],
  ...MISTAKES,
  ...MISTAKES.slice(0, 5),
  voices(20),
]

/** One small call every now and then, so that there is something to watch. */
export const TRICKLE: readonly Call[] = [
  speak(ALICE, ENGLISH[0] ?? ''),
  speak(BOB, VIETNAMESE[1] ?? ''),
  { method: 'GET', path: '/api/v1/voices', expected: 200 },
  speak(BOB, VIETNAMESE[3] ?? '', { path: STREAM }),
  misbehave('no-audio'),
]

/** For an alert that has still to go out, and for its end. */
export const ALARMING: Call = misbehave('no-audio')
export const CALMING: Call = { method: 'GET', path: '/api/v1/voices', expected: 200 }
