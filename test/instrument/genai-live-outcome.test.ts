/** What the ends of turns and connections mean, for those that the stand-in has no mode for. */
import { expect, test } from 'vitest'
import { NO_ANSWER } from '../../src/instrument/genai-live-message.ts'
import { judgeClose, judgeTurn } from '../../src/instrument/genai-live-outcome.ts'

const audio = { format: 'pcm', bytes: 48_000, durationS: 1 } as const
const open = { reason: '', error: undefined, isByApp: false, isSetUp: true, isMidTurn: false, isAnnounced: false }

test.each([
  ['GENERATED_AUDIO_SAFETY', 'safety'],
  ['GENERATED_CONTENT_PROHIBITED', 'prohibited_content'],
  ['GENERATED_CONTENT_BLOCKLIST', 'blocklist'],
  ['GENERATED_OTHER', 'content_blocked'],
  ['MAX_REGENERATION_REACHED', 'content_blocked'],
  ['MALFORMED_FUNCTION_CALL', 'malformed_response'],
  ['PROHIBITED_INPUT_CONTENT', 'blocked'],
  ['BLOCKLIST', 'blocked'],
  ['TURN_COMPLETE_REASON_UNSPECIFIED', 'no_audio'],
  [undefined, 'no_audio'],
])('a turn without audio and the reason %s is %s', (reason, type) => {
  expect(judgeTurn(NO_ANSWER, { reason, mayBeSilent: false }, true)?.type).toBe(type)
})

test.each([
  ['audio came', { ...NO_ANSWER, audio }, false, true],
  ['text was asked for', { ...NO_ANSWER, hasText: true }, false, false],
  ['it was interrupted, calls a function or wants to hear more', NO_ANSWER, true, true],
])('a turn is fine when %s', (_, answer, mayBeSilent, wantsAudio) => {
  expect(judgeTurn(answer, { reason: undefined, mayBeSilent }, wantsAudio)).toBeUndefined()
})

test.each([
  ['a normal close between turns', { code: 1000 }, undefined],
  ['a server that restarts between turns', { code: 1001 }, undefined],
  ['any code after the announcement', { code: 1006, isAnnounced: true }, undefined],
  ['the announced end in a turn', { code: 1001, isAnnounced: true, isMidTurn: true }, 'truncated_stream'],
  ['a break between turns', { code: 1006 }, '1006'],
  ['a normal close before it was ready', { code: 1000, isSetUp: false }, '1000'],
  ['an overloaded model', { code: 1011, reason: 'The service is currently unavailable.' }, 'UNAVAILABLE'],
  ['the old words for a deadline', { code: 1011, reason: '[ORIGINAL ERROR] RPC::DEADLINE_EXCEEDED: ' }, 'DEADLINE_EXCEEDED'],
  ['whatever follows when the app closes', { code: 1011, isByApp: true }, undefined],
])('%s', (_, close, type) => {
  expect(judgeClose({ ...open, ...close })?.type).toBe(type)
})
