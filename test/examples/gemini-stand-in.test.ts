import { readFileSync } from 'node:fs'
import { type GenerateContentResponse, GoogleGenAI } from '@google/genai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LIVE_MODES } from '../../examples/gemini-stand-in/live-modes.ts'
import { MODES, type ModeName } from '../../examples/gemini-stand-in/modes.ts'
import { createGeminiStandIn, STAND_IN_KEY } from '../../examples/gemini-stand-in/server.ts'

const TEXT = 'Forty-five characters are three seconds long.'
const HALF = 72_000
const ALL = 144_000
const standIn = createGeminiStandIn({ timeScale: 0.0005 })
let url = ''

beforeAll(async () => {
  url = (await standIn.listen()).url
})
afterAll(() => standIn.stop())

/** What a caller of the real client learns: bytes of audio, how it ended, what it cost, or the error. */
type Seen = { bytes: number; finish: string | undefined; tokens: number | undefined } | { error: string }

function request(mode: ModeName, change: { model?: string; text?: string } = {}) {
  return {
    model: change.model ?? 'gemini-3.8-flash-tts',
    contents: change.text ?? TEXT,
    config: {
      responseModalities: ['AUDIO'],
      speechConfig: { voiceConfig: { prebuiltVoiceConfig: { voiceName: 'Kore' } } },
      httpOptions: { headers: { 'x-stand-in-mode': mode }, ...(mode === 'hang' ? { timeout: 100 } : {}) },
    },
  }
}

function client(apiKey = STAND_IN_KEY, apiVersion = 'v1'): GoogleGenAI {
  return new GoogleGenAI({ apiKey, apiVersion, httpOptions: { baseUrl: url } })
}

function audioBytes(response: GenerateContentResponse): number {
  const parts = response.candidates?.[0]?.content?.parts ?? []
  return parts.reduce((sum, part) => sum + Buffer.from(part.inlineData?.data ?? '', 'base64').length, 0)
}

function summarize(responses: readonly GenerateContentResponse[]): Seen {
  const last = responses.at(-1)
  return {
    bytes: responses.reduce((sum, response) => sum + audioBytes(response), 0),
    finish: last?.promptFeedback?.blockReason ?? last?.candidates?.[0]?.finishReason,
    tokens: last?.usageMetadata?.candidatesTokenCount,
  }
}

function failure(error: unknown): Seen {
  if (!(error instanceof Error)) throw error
  if (error instanceof SyntaxError) return { error: 'JSON' }
  return { error: 'status' in error ? String(error.status) : error.message }
}

async function unary(mode: ModeName): Promise<Seen> {
  return client()
    .models.generateContent(request(mode))
    .then((response) => summarize([response]), failure)
}

async function streamed(mode: ModeName): Promise<Seen & { before?: number }> {
  const responses: GenerateContentResponse[] = []
  try {
    for await (const response of await client().models.generateContentStream(request(mode))) responses.push(response)
    return summarize(responses)
  } catch (error) {
    return failure(error)
  }
}

const spoken = (bytes: number, finish: string | undefined = 'STOP', tokens = 75) => ({ bytes, finish, tokens })
const error = (what: string) => [{ error: what }, { error: what }] as const
/** A WAV has 44 bytes more than the samples that are streamed. */
const both = (bytes: number, ...rest: [finish?: string | undefined, tokens?: number]) =>
  [spoken(bytes + 44, ...rest), spoken(bytes, ...rest)] as const
const nothing = (finish: string, tokens: number | undefined) =>
  [
    { bytes: 0, finish, tokens },
    { bytes: 0, finish, tokens },
  ] as const

const EXPECTED: Record<ModeName, readonly [unary: Seen, streamed: Seen]> = {
  ok: both(ALL),
  slow: both(ALL),
  quota: error('429'),
  'quota-brief': error('429'),
  'quota-day': error('429'),
  'quota-tokens': error('429'),
  'quota-plain': error('429'),
  internal: error('500'),
  'bad-request': error('400'),
  forbidden: error('403'),
  'not-found': error('404'),
  unavailable: error('503'),
  deadline: error('504'),
  'error-in-stream': error('503'),
  'no-audio': nothing('OTHER', 5_516),
  'slow-no-audio': nothing('OTHER', 5_516),
  truncated: both(HALF, 'OTHER'),
  'no-finish-reason': [
    { ...spoken(HALF + 44), finish: undefined },
    { ...spoken(HALF), finish: undefined },
  ],
  'twenty-seconds': both(960_000, 'OTHER', 640),
  stall: both(ALL),
  'header-only': both(0),
  'near-silent': both(ALL),
  repeated: both(3 * ALL, 'STOP', 225),
  'voice-drift': both(ALL),
  'prompt-read-aloud': both(ALL + 240_000, 'STOP', 200),
  'text-instead': nothing('STOP', 9),
  blocked: nothing('PROHIBITED_CONTENT', undefined),
  safety: nothing('SAFETY', undefined),
  recitation: nothing('RECITATION', undefined),
  'max-tokens': both(HALF, 'MAX_TOKENS', 38),
  'empty-candidates': [
    { bytes: 0, finish: undefined, tokens: undefined },
    { bytes: 0, finish: undefined, tokens: undefined },
  ],
  malformed: [{ error: 'JSON' }, { error: 'Incomplete JSON segment at the end' }],
  proxy: error('502'),
  continuation: [spoken(ALL + 2 * 44, 'STOP', 76), { bytes: ALL, finish: 'STOP', tokens: 76 }],
  reset: error('terminated'),
  hang: error('This operation was aborted'),
}

describe('what the real client sees', () => {
  test.each(Object.entries(EXPECTED))('mode %s', async (name, [whole, stream]) => {
    const mode = name as ModeName // Object.entries widens the keys
    expect(await unary(mode)).toEqual(whole)
    expect(await streamed(mode)).toEqual(stream)
  })

  test('every mode of the table has its row here and in the README', () => {
    const readme = readFileSync(new URL('../../examples/gemini-stand-in/README.md', import.meta.url), 'utf8')
    const rows = [...Object.entries(MODES), ...Object.entries(LIVE_MODES)].map(
      ([name, mode]) => `| \`${name}\` | ${mode.doc} | ${mode.source} |`,
    )
    expect(
      readme
        .replaceAll(/ +/g, ' ')
        .split('\n')
        .filter((line) => line.startsWith('| `')),
    ).toEqual(rows)
    expect(Object.keys(EXPECTED)).toEqual(Object.keys(MODES))
  })

  test('a stream that breaks or fails has delivered its first half', async () => {
    for (const mode of ['reset', 'error-in-stream'] as const) {
      let bytes = 0
      const reading = (async () => {
        for await (const response of await client().models.generateContentStream(request(mode))) bytes += audioBytes(response)
      })()
      await expect(reading).rejects.toThrow()
      expect(bytes).toBeGreaterThan(0)
      expect(bytes).toBeLessThan(ALL)
    }
  })

  test('usage in a stream is a running total', async () => {
    const totals: (number | undefined)[] = []
    for await (const response of await client().models.generateContentStream(request('ok')))
      totals.push(response.usageMetadata?.totalTokenCount)
    expect(totals).toEqual([12 + 25, 12 + 50, 12 + 75])
  })
})

test('the audio can be heard, and near-silence cannot', async () => {
  const peaks = []
  for (const mode of ['ok', 'near-silent'] as const) {
    const response = await client().models.generateContent(request(mode))
    const wav = Buffer.from(response.candidates?.[0]?.content?.parts?.[0]?.inlineData?.data ?? '', 'base64')
    expect(wav.subarray(0, 4).toString()).toBe('RIFF')
    expect(wav.readUInt32LE(24)).toBe(24_000)
    expect(wav.readUInt32LE(40)).toBe(wav.length - 44)
    let peak = 0
    for (let i = 44; i < wav.length; i += 2) peak = Math.max(peak, Math.abs(wav.readInt16LE(i)))
    peaks.push(peak)
  }
  expect(peaks[0]).toBeGreaterThan(8_000)
  expect(peaks[1]).toBeLessThanOrEqual(3)
})

test('v1beta, a model before 3.8, and the headers of the real service', async () => {
  const response = await client(STAND_IN_KEY, 'v1beta').models.generateContent(request('ok', { model: 'gemini-3.1-flash-tts-preview' }))
  expect(response.candidates?.[0]?.content?.parts?.[0]?.inlineData?.mimeType).toBe('audio/L16;codec=pcm;rate=24000')
  expect(audioBytes(response)).toBe(ALL)
  expect(response.modelVersion).toBe('gemini-3.1-flash-tts-preview')
  expect(response.responseId).toMatch(/^[\w-]{22}$/)
  expect(response.sdkHttpResponse?.headers?.['server-timing']).toMatch(/^gfet4t7; dur=\d+$/)
})

test('a 429 names the quota and says when to come back', async () => {
  const refusal = await client()
    .models.generateContent(request('quota'))
    .catch((caught: Error) => JSON.parse(caught.message).error)
  const [, failed, retry] = refusal.details
  expect(failed.violations[0].quotaId).toBe('GenerateRequestsPerMinutePerProjectPerModel-FreeTier')
  expect(retry.retryDelay).toBe('20s')
})

test.each([
  ['a missing key', {}, '', 403, "Method doesn't allow unregistered callers"],
  ['a wrong key', { 'x-goog-api-key': 'wrong' }, '', 400, 'API key not valid'],
  ['an unknown mode', { 'x-goog-api-key': STAND_IN_KEY }, '?mode=sulk', 400, 'no mode "sulk"; it has ok, slow'],
])('%s is refused', async (_, headers, query, status, message) => {
  const body = JSON.stringify({ contents: [{ parts: [{ text: 'Hi' }] }], generationConfig: { responseModalities: ['AUDIO'] } })
  const response = await fetch(`${url}/v1/models/gemini-3.8-flash-tts:generateContent${query}`, { method: 'POST', headers, body })
  expect(response.status).toBe(status)
  expect(await response.json()).toMatchObject({ error: { code: status, message: expect.stringContaining(message) } })
})

test.each([
  ['a model that does not speak', { model: 'gemini-3.8-flash' }, {}, 404, 'not found for API version v1'],
  ['no text', { text: ' ' }, {}, 400, 'contents is not specified'],
  ['too much text', { text: 'x'.repeat(40_000) }, {}, 400, 'exceeds the maximum number of tokens allowed (8192)'],
  ['no AUDIO', {}, { responseModalities: ['TEXT'] }, 400, 'response modalities'],
  ['a temperature', {}, { temperature: 0.2 }, 400, 'temperature is not supported'],
  ['a system instruction', {}, { systemInstruction: 'Be brief' }, 400, 'Developer instruction is not enabled'],
  [
    'an unknown voice',
    {},
    { speechConfig: { voiceConfig: { prebuiltVoiceConfig: { voiceName: 'Bob' } } } },
    400,
    'Voice name Bob is not supported',
  ],
])('%s is refused as Gemini refuses it', async (_, change, config, status, message) => {
  const params = request('ok', change)
  const refusal = client().models.generateContent({ ...params, config: { ...params.config, ...config } })
  await expect(refusal).rejects.toMatchObject({ status, message: expect.stringContaining(message) })
})

test('a marker in the text chooses the mode and is not spoken; the query does as well; chooseMode decides for the rest', async () => {
  const text = await client().models.generateContent({
    ...request('ok'),
    contents: `${TEXT} [stand-in: truncated]`,
    config: { responseModalities: ['AUDIO'] },
  })
  expect(summarize([text])).toEqual(spoken(HALF + 44, 'OTHER'))

  const moody = createGeminiStandIn({ timeScale: 0, chooseMode: (index) => (index < 2 ? 'unavailable' : 'ok') })
  const { url: baseUrl } = await moody.listen()
  const gemini = new GoogleGenAI({ apiKey: STAND_IN_KEY, httpOptions: { baseUrl, retryOptions: { initialDelay: 0.001 } } })
  const response = await gemini.models.generateContent({
    model: 'gemini-3.8-flash-tts',
    contents: TEXT,
    config: { responseModalities: ['AUDIO'] },
  })
  expect(audioBytes(response)).toBe(ALL + 44)
  await moody.stop()
})

test('several modes are taken in turn by requests for the same text, over and over', async () => {
  const ask = (text: string) =>
    client()
      .models.generateContent({
        ...request('ok'),
        contents: `${text} [stand-in: unavailable, internal,ok]`,
        config: { responseModalities: ['AUDIO'] },
      })
      .then(audioBytes, ({ status }) => status)
  expect([await ask(TEXT), await ask('Hi.'), await ask(TEXT), await ask(TEXT)]).toEqual([503, 503, 500, ALL + 44])
  expect([await ask(TEXT), await ask('Hi.')]).toEqual([503, 500])
})

test('a connection of the Live API speaks turn after turn, and whoever asks meanwhile interrupts', async () => {
  const pieces: string[] = []
  const turn = { done: () => {} }
  const session = await client().live.connect({
    model: 'gemini-3.1-flash-live-preview',
    callbacks: {
      onmessage({ serverContent, usageMetadata }) {
        if (serverContent?.modelTurn?.parts?.[0]?.inlineData) pieces.push('audio')
        if (serverContent?.interrupted) pieces.push('interrupted')
        if (serverContent?.turnComplete) pieces.push(`complete, ${usageMetadata?.responseTokenCount} tokens`)
        if (serverContent?.turnComplete) turn.done()
      },
    },
  })
  const ask = (text: string) =>
    new Promise<void>((resolve) => {
      turn.done = resolve
      session.sendClientContent({ turns: text })
    })
  await ask(TEXT)
  expect(pieces).toEqual([...Array(12).fill('audio'), 'complete, 75 tokens'])
  pieces.length = 0
  void ask(`${TEXT} [stand-in: stall]`)
  while (!pieces.includes('audio')) await new Promise(setImmediate)
  session.sendClientContent({ turns: '[stand-in: silent-turn] Hello?' })
  while (!pieces.includes('complete, 19 tokens')) await new Promise(setImmediate)
  expect(pieces.filter((piece) => piece !== 'audio')).toEqual(['interrupted', 'complete, 38 tokens', 'complete, 19 tokens'])
  session.close()
})
