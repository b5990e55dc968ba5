/** What the page makes of a trace, without a browser. */
import { expect, test } from 'vitest'
import { explain } from '../../../collector/src/viewer/client/explain.ts'
import { layOut } from '../../../collector/src/viewer/client/layout.ts'
import type { SpanRow } from '../../../collector/src/viewer/client/rows.ts'
import { showAge, showMs } from '../../../collector/src/viewer/client/time.ts'

const span = (name: string, given: Partial<SpanRow> = {}): SpanRow => ({
  span_id: name,
  parent_span_id: null,
  name,
  kind: 'INTERNAL',
  start: '2026-11-22T10:00:00.000000Z',
  duration_ms: 10,
  status: 'unset',
  status_message: '',
  attributes: {},
  events: [],
  request_id: null,
  user_id: null,
  service: 'tts-api',
  instance_id: 'i',
  scope: 's',
  ...given,
})
const at = (ms: number) => `2026-11-22T10:00:00.${String(ms).padStart(3, '0')}000Z`
const speech = (outcome: string, more: Partial<SpanRow> = {}) =>
  span('tts_request', {
    status: outcome === 'ok' || outcome === 'cancelled' ? 'unset' : 'error',
    ...more,
    attributes: { 'tts.outcome': outcome, ...more.attributes },
  })
const call = (errorType: string, message = '', more: Partial<SpanRow> = {}) =>
  span('gemini_api_call', { status: 'error', status_message: message, attributes: { 'error.type': errorType }, ...more })

test.each([
  ['no_audio', 'no_audio', 'No sound: the provider answered without audio', 'often succeeds when it is sent again'],
  ['text_instead_of_audio', 'text_instead_of_audio', 'No sound: the provider wrote instead of speaking', 'instead of speaking the text'],
  ['truncated', 'truncated_stream', 'The sound breaks off before the text ends', 'The stream ended before the text did'],
  ['error', 'RESOURCE_EXHAUSTED', 'No sound: the speech request failed', 'A quota of Gemini ran out.'],
  ['error', 'safety', 'No sound: the speech request failed', 'withheld the answer as harmful'],
  ['error', 'a_new_kind', 'No sound: the speech request failed', 'said Gemini'],
])('%s with %s', (outcome, errorType, title, text) => {
  const verdict = explain([span('POST'), speech(outcome), call(errorType, 'said Gemini')])
  expect(verdict).toMatchObject({ tone: 'bad', title, text: expect.stringContaining(text) })
  expect(verdict.text.match(/said Gemini/g)).toHaveLength(1)
})

test('audio that nobody can hear, and a listener who left, are no fault of a call', () => {
  expect(explain([speech('silent')])).toMatchObject({ tone: 'bad', title: 'Nothing can be heard in the audio' })
  expect(explain([speech('cancelled')])).toMatchObject({ tone: 'neutral', title: expect.stringContaining('Cancelled') })
})

test('speech that was heard, and speech of which the end may be missing', () => {
  expect(explain([speech('ok', { attributes: { 'tts.audio.duration': 2.5 } })])).toMatchObject({
    tone: 'good',
    title: 'Spoken: 2.50 s of audio',
  })
  const suspected = explain([speech('ok', { attributes: { 'tts.audio.duration': 2.5, 'tts.truncation.suspected': 'text' } })])
  expect(suspected).toMatchObject({ tone: 'warn', text: expect.stringContaining('the end may be missing') })
})

test('the last call decides, and of several speech requests the one that failed is told', () => {
  const calls = [
    call('UNAVAILABLE', '', { start: at(1) }),
    call('blocked', '', { start: at(5), attributes: { 'error.type': 'blocked', 'gcp.gemini.block_reason': 'PROHIBITED' } }),
  ]
  const verdict = explain([speech('ok'), ...calls.toReversed(), speech('error', { start: at(9) })])
  expect(verdict.text).toBe('Gemini refused the text.')
  expect(verdict.facts).toContainEqual(['blocked for', 'PROHIBITED'])
})

test('a request that did not come as far as speech, and a trace that has none', () => {
  const refused = span('POST /speak', {
    status: 'error',
    status_message: 'no such voice',
    attributes: { 'http.response.status_code': 500 },
  })
  expect(explain([refused])).toMatchObject({ tone: 'bad', title: expect.stringContaining('did not come as far'), text: 'no such voice' })
  expect(explain([span('POST /speak', { attributes: { 'http.response.status_code': 400 } })])).toMatchObject({
    tone: 'bad',
    text: 'It was answered with 400.',
  })
  expect(explain([span('GET /voices', { attributes: { 'http.response.status_code': 200 } })])).toMatchObject({ tone: 'neutral' })
  expect(explain([])).toMatchObject({ tone: 'neutral' })
})

test('lines are children below their parents by start; orphans and circles are shown once', () => {
  const { lines, durationMs } = layOut([
    span('late', { parent_span_id: 'root', start: at(60), duration_ms: 40 }),
    span('root', { duration_ms: 100 }),
    span('early', { parent_span_id: 'root', start: at(10), duration_ms: 20, events: [{ time: at(25), name: 'heard', attributes: {} }] }),
    span('leaf', { parent_span_id: 'early', start: at(12), duration_ms: 5 }),
    span('orphan', { parent_span_id: 'gone', start: at(90), duration_ms: 5 }),
    span('hen', { parent_span_id: 'egg', start: at(95), duration_ms: 1 }),
    span('egg', { parent_span_id: 'hen', start: at(96), duration_ms: 1 }),
  ])
  expect(durationMs).toBe(100)
  expect(lines.map(({ span, depth }) => `${' '.repeat(depth)}${span.name}`)).toEqual([
    'root',
    ' early',
    '  leaf',
    ' late',
    'orphan',
    'hen',
    ' egg',
  ])
  expect(lines[1]).toMatchObject({ left: 0.1, width: 0.2, marks: [{ at: 0.25, name: 'heard' }] })
})

test('a trace of 10,000 spans, each below the one before, is laid out', () => {
  const { lines } = layOut(
    Array.from({ length: 10_000 }, (_, index) => span(`${index}`, { parent_span_id: index === 0 ? null : `${index - 1}` })),
  )
  expect(lines).toHaveLength(10_000)
  expect(lines.at(-1)).toMatchObject({ depth: 9_999, span: { name: '9999' } })
})

test('times as people write them', () => {
  expect([0, 0.42, 9.99, 118, 2_104, 185_000].map(showMs)).toEqual(['0.00 ms', '0.42 ms', '9.99 ms', '118 ms', '2.10 s', '3 min 5 s'])
  expect([-5_000, 0, 59_000, 60_000, 3_600_000, 90_000_000].map(showAge)).toEqual([
    'just now',
    'just now',
    '59 s ago',
    '1 min ago',
    '1 h ago',
    '1 d ago',
  ])
})
