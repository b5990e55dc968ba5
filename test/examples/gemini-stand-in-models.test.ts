import { GoogleGenAI } from '@google/genai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createGeminiStandIn, STAND_IN_KEY } from '../../examples/gemini-stand-in/server.ts'

const standIn = createGeminiStandIn({ timeScale: 0.0005 })
let url = ''
beforeAll(async () => {
  url = (await standIn.listen()).url
})
afterAll(() => standIn.stop())

const client = (apiKey = STAND_IN_KEY, mode?: string) =>
  new GoogleGenAI({ apiKey, httpOptions: { baseUrl: url, ...(mode ? { headers: { 'x-stand-in-mode': mode } } : {}) } })

test('the real client lists the speech models page by page, and gets one', async () => {
  const names: (string | undefined)[] = []
  const pager = await client().models.list({ config: { pageSize: 2 } })
  expect(pager.page).toHaveLength(2)
  for await (const model of pager) names.push(model.name)
  expect(names).toEqual(['models/gemini-3.8-flash-tts', 'models/gemini-3.8-flash-lite-tts', 'models/gemini-3.1-flash-tts-preview'])
  const model = await client().models.get({ model: 'gemini-3.8-flash-tts' })
  expect(model).toMatchObject({ inputTokenLimit: 8_192, supportedActions: expect.arrayContaining(['generateContent']) })
})

test.each([
  ['a wrong key', 'wrong', undefined, 400],
  ['mode forbidden', STAND_IN_KEY, 'forbidden', 403],
  ['mode quota', STAND_IN_KEY, 'quota', 429],
  ['mode unavailable', STAND_IN_KEY, 'unavailable', 503],
])('%s: the list is refused', async (_, key, mode, status) => {
  await expect(client(key, mode).models.list()).rejects.toMatchObject({ status })
})

test('a mode that is about sound does not touch the list; a model that is not there is not found', async () => {
  expect((await client(STAND_IN_KEY, 'near-silent').models.list()).page).toHaveLength(3)
  await expect(client().models.get({ model: 'gemini-0' })).rejects.toMatchObject({ status: 404 })
})
