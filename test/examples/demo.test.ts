import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { DEMO_TIMEOUT_MS, startDemo } from './start-demo.ts'

test('one run, and everything the API made is found in the database, whatever went wrong', { timeout: DEMO_TIMEOUT_MS }, async () => {
  // Stores that the shell names for another reason are left alone.
  const others = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/telemetry', ELASTICSEARCH_URL: 'http://127.0.0.1:1' }
  const demo = await startDemo(['--once', '--json'], others)
  const { stdout, stderr } = demo
  const [output, messages, [exitCode]] = await Promise.all([stdout ? text(stdout) : '', stderr ? text(stderr) : '', once(demo, 'close')])
  expect(messages).not.toContain('Not as it should be')
  expect(exitCode).toBe(0)

  const result = JSON.parse(output)
  expect(output.trim().split('\n')).toHaveLength(1)
  expect(result.requests).toBeGreaterThanOrEqual(40)
  expect(result.spans.sent).toBeGreaterThan(result.requests * 2)
  expect(result.spans.stored).toBe(result.spans.sent)
  expect(result.logs.sent).toBeGreaterThan(result.requests / 2)
  expect(result.logs.stored).toBe(result.logs.sent)
  expect(result.metrics.requests_counted).toBe(result.requests)
  expect(result.trace_id).toMatch(/^[\da-f]{32}$/)
  expect(Object.keys(result.summary.by_voice)).toEqual(expect.arrayContaining(['Kore', 'Leda']))
  expect(result.summary.by_outcome).toMatchObject({
    ok: expect.any(Number),
    no_audio: expect.any(Number),
    error: expect.any(Number),
    truncated: expect.any(Number),
    text_instead_of_audio: 1,
    cancelled: 1,
  })
  expect(result.summary.audio_seconds).toBeGreaterThan(60)
  expect(result.summary.estimated_cost_usd).toBeGreaterThan(0)

  expect(result.alerts.fired).toBeGreaterThan(0)
  expect(result.alerts.resolved).toBe(result.alerts.fired)
  expect(result.alerts.delivered).toBe(result.alerts.fired + result.alerts.resolved)
  expect(messages).toMatch(/firing +High Error Rate: .* % of the requests fail\n[\s\S]*resolved +High Error Rate\n/)

  // The failed request, HTTP 200 from Gemini included.
  expect(messages).toMatch(
    /POST \/api\/v1\/tts\/generate +502 .*\n.*└─ tts_request +no_audio .*\n.*└─ gemini_api_call +no_audio .*\n.*└─ POST +200 /,
  )
  // And the one that Gemini answered when it was asked again.
  expect(messages).toMatch(
    /POST \/api\/v1\/tts\/generate +200 .*\n.*└─ tts_request +ok, 2 attempts .*\n.*└─ gemini_api_call +stop .*\n.*├─ POST +429 .*\n.*└─ POST +200 /,
  )
  expect(messages).toMatch(/ERROR +tts-otel\.http +Gemini answered without audio/)
})

test('--database without a DATABASE_URL is refused', async () => {
  const demo = await startDemo(['--database'])
  expect(demo.stderr ? await text(demo.stderr) : '').toContain('--database needs DATABASE_URL')
  expect(demo.exitCode ?? (await once(demo, 'exit'))[0]).toBe(2)
})

test('an unknown option is refused', async () => {
  const demo = await startDemo(['--twice'])
  expect(demo.stderr ? await text(demo.stderr) : '').toContain("Unknown option '--twice'")
  expect(demo.exitCode ?? (await once(demo, 'exit'))[0]).toBe(1)
})
