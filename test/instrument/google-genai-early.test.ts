/** A client that is watched before anything is registered, as at the top of a module. */
import { expect, test } from 'vitest'
import { instrumentGemini } from '../../src/instrument/gemini-client.ts'
import { startTelemetry } from './support.ts'

test('its calls are traced and measured once something is', async () => {
  const client = instrumentGemini({ models: { generateContent: async (_: object) => ({}) } }, { metricNames: 'new' })
  await client.models.generateContent({ model: 'before' })
  const telemetry = startTelemetry()
  await client.models.generateContent({ model: 'after' })
  await client.models.generateContent({ model: 'a model\nthat is none' })

  const calls = telemetry.spans.map(({ attributes }) => attributes['gen_ai.request.model'])
  expect(calls).toEqual(['after', 'a model\nthat is none'])
  const durations = await telemetry.points('gen_ai.client.inference.duration')
  expect(durations.map(({ attributes }) => attributes['gen_ai.request.model'])).toEqual(['after', 'other'])
})
