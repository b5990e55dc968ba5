/** docs/speech.md against the code, both ways: what is written in it, what the constants say, and what real requests send. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { GoogleGenAI } from '@google/genai'
import { DataPointType, type MetricData } from '@opentelemetry/sdk-metrics'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import type { ModeName } from '../../examples/gemini-stand-in/modes.ts'
import { createGeminiStandIn, STAND_IN_KEY } from '../../examples/gemini-stand-in/server.ts'
import { instrumentGemini } from '../../src/instrument/gemini-client.ts'
import { GEMINI_ERROR_TYPES } from '../../src/instrument/genai-errors.ts'
import * as genAiNames from '../../src/instrument/genai-semconv.ts'
import { serviceMetrics } from '../../src/middleware/metrics.ts'
import { observeActiveConnections, observeQueueLength } from '../../src/tts/observed.ts'
import { OUTCOME_MESSAGES } from '../../src/tts/outcome.ts'
import { parsePrices } from '../../src/tts/price-rows.ts'
import { ttsRequest } from '../../src/tts/request.ts'
import * as speechNames from '../../src/tts/semconv.ts'
import { metricsSummary } from '../../src/tts/summary.ts'
import { startTelemetry } from './support.ts'

vi.hoisted(() => {
  process.env.TTS_OTEL_AUDIO_ANALYSIS = 'on'
})

const read = (path: string) => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8')
const document = read('docs/speech.md')

/** Rows of all tables whose first column is headed `title`; each as its cells, the first one without its backticks. */
function rowsOf(title: string): string[][] {
  const rows: string[][] = []
  let isInside = false
  let isTable = false
  for (const line of document.split('\n')) {
    const cells = line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, ''))
    const [first = ''] = cells
    const isHeading = !isTable && line.startsWith('|')
    isTable = line.startsWith('|')
    if (isHeading) isInside = line.startsWith(`| ${title} |`)
    else if (isTable && isInside && !line.startsWith('|-')) rows.push([first.replaceAll('`', ''), ...cells.slice(1)])
  }
  return rows
}

const attributes = new Map(rowsOf('attribute').map(([name = '', ...cells]) => [name, cells]))
const metrics = new Map(rowsOf('metric').map(([name = '', ...cells]) => [name, cells]))

/** The constants with their comments: of which kind they are stands in their names and in the first words. */
const constants = ['src/tts/semconv.ts', 'src/instrument/genai-semconv.ts'].flatMap((file) =>
  [...read(file).matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*?)\*\/\nexport const (\w+) = '([^']+)'/g)].map(
    ([, comment = '', name = '', value = '']) => ({
      name,
      value,
      comment: comment.replace(/\s*\n \*\s*/g, ' ').trim(),
    }),
  ),
)
const kindOf = (name: string) => /^(METRIC|SPAN|EVENT)_/.exec(name)?.[1] ?? 'ATTRIBUTE'
const ofKind = (kind: string) => constants.filter(({ name }) => kindOf(name) === kind)

test('the constants are all found', () => {
  const texts = Object.values({ ...speechNames, ...genAiNames }).filter((value) => typeof value === 'string')
  expect(constants).toHaveLength(texts.length)
})

describe('names', () => {
  test('every attribute is documented, and every documented one exists', () => {
    expect([...attributes.keys()].sort()).toEqual(
      ofKind('ATTRIBUTE')
        .map(({ value }) => value)
        .sort(),
    )
  })

  test('every metric is documented, and every documented one exists', () => {
    expect([...metrics.keys()].sort()).toEqual(
      ofKind('METRIC')
        .map(({ value }) => value)
        .sort(),
    )
  })

  test('every span and every event is named', () => {
    for (const { value } of [...ofKind('SPAN'), ...ofKind('EVENT')]) expect(document).toContain(`\`${value}\``)
  })
})

describe('types and sources', () => {
  test.each(ofKind('ATTRIBUTE'))('$value', ({ value, comment }) => {
    const [type = '', meaning = '', source = ''] = attributes.get(value) ?? []
    // Only content has a structure.
    expect(type).toBe(typeIn(comment) ?? 'structure')
    expect(meaning.length).toBeGreaterThan(5)
    expectSource(source)
  })

  test.each(ofKind('METRIC'))('$value', ({ value, comment }) => {
    const [type, by = '', meaning = '', source = ''] = metrics.get(value) ?? []
    const [, kind = '', unit] = /^(?:Old\. )?(\w+) (\{\w+\}|\w+)/.exec(comment) ?? []
    expect(type).toBe(`${kind.toLowerCase()}, ${unit}`)
    for (const [, label] of by.matchAll(/`([^`]+)`/g)) expect([...attributes.keys(), 'reason']).toContain(label)
    expect(meaning.length).toBeGreaterThan(5)
    expectSource(source)
  })

  const UNITS = 'seconds|bytes|hertz|milliseconds|ratio|US dollars|dBFS|tokens|only ever true'

  function typeIn(comment: string): string | undefined {
    const [, type, unit] = new RegExp(`^(String list|String|Double|Integer|Boolean)(?:, (${UNITS}))?`).exec(comment) ?? []
    return unit === undefined ? type?.toLowerCase() : `${type?.toLowerCase()}, ${unit}`
  }

  function expectSource(source: string): void {
    if (source !== 'ours') expect(document).toContain(`\n${source}: https://`)
  }
})

test('the table of error.type is that of the code, word for word', () => {
  expect(Object.fromEntries(rowsOf('`error.type`'))).toEqual(GEMINI_ERROR_TYPES)
})

test('every outcome has its row', () => {
  const outcomes = rowsOf('`tts.outcome`').map(([name]) => name)
  expect(outcomes.sort()).toEqual(['ok', 'cancelled', ...Object.keys(OUTCOME_MESSAGES)].sort())
})

test('every field of the summary has its row', () => {
  const fields = rowsOf('field').flatMap(([names = '']) => names.split(', '))
  expect(fields).toEqual(expect.arrayContaining(Object.keys(metricsSummary())))
})

test('every method of a request is explained', async () => {
  const explained = rowsOf('call').flatMap(([names = '']) => [...names.matchAll(/tts\.(\w+)/g)].map(([, name]) => name))
  await ttsRequest({ text: 'x' }, (tts) => {
    expect(explained.sort()).toEqual(
      Object.keys(tts)
        .filter((name) => name !== 'requestId')
        .sort(),
    )
  })
})

test('the prices of the example can be read, and every field is explained', () => {
  const [, example = ''] = /```json\n([\s\S]*?)```/.exec(document) ?? []
  const { prices, problems } = parsePrices(example, 'docs')
  expect(problems).toEqual([])
  const fields = new Set(prices.flatMap((price) => Object.keys(price)))
  const explained = rowsOf('field').flatMap(([names = '']) => names.split(', '))
  expect([...fields].filter((field) => !explained.includes(field))).toEqual([])
})

describe('what real requests send', () => {
  let exported: readonly MetricData[] = []
  const seen = new Set<string>()

  beforeAll(async () => {
    const telemetry = startTelemetry()
    const stops = [observeQueueLength(() => 1), observeActiveConnections(() => 1)]
    serviceMetrics.started()
    serviceMetrics.ended({ isAuthFailure: true })
    await callGemini()
    exported = await telemetry.metrics()
    for (const { name, attributes } of telemetry.spans())
      if (name === 'tts_request' || name === 'gemini_api_call') for (const key of Object.keys(attributes)) seen.add(key)
    for (const stop of stops) stop()
    telemetry.stop()
  })

  async function callGemini(): Promise<void> {
    const modes: ModeName[] = ['ok', 'ok', 'quota', 'blocked', 'no-audio', 'twenty-seconds']
    const standIn = createGeminiStandIn({ timeScale: 0.001, chooseMode: (index) => modes[index] ?? 'ok' })
    const { url } = await standIn.listen()
    const client = instrumentGemini(new GoogleGenAI({ apiKey: STAND_IN_KEY, httpOptions: { baseUrl: url } }), { metricNames: 'both' })
    const speechConfig = { languageCode: 'en-US', voiceConfig: { prebuiltVoiceConfig: { voiceName: 'Kore' } } }
    const params = {
      model: 'gemini-3.8-flash-tts',
      contents: 'Some words, and more of them. '.repeat(9),
      config: { responseModalities: ['AUDIO'], speechConfig },
    }
    const order = { text: 'Some words.', voice: 'Kore', language: 'en-US', userId: 'u-1' }
    await ttsRequest(order, async (tts) => {
      tts.queued()
      tts.started()
      tts.chunks(2)
      tts.cacheHit()
      for await (const chunk of await client.models.generateContentStream(params)) void chunk
    })
    for (const model of ['gemini-3.8-flash-tts', ...modes.slice(2)]) {
      await ttsRequest({ ...order, model }, (tts) => {
        tts.onCall({ outcome: 'error', errorType: 'timeout' })
        return client.models.generateContent(params)
      }).catch(() => {})
    }
    await standIn.stop()
  }

  test('has no attribute that is not documented', () => {
    expect(seen.size).toBeGreaterThan(50)
    expect([...seen].filter((name) => !attributes.has(name))).toEqual([])
  })

  test('has the documented kinds and units', () => {
    const ours = exported.filter(({ descriptor }) => /^(tts|gen_ai)\./.test(descriptor.name))
    const documented = ours.map(({ descriptor: { name } }) => [name, metrics.get(name)?.[0]])
    expect(documented).toEqual(ours.map(({ descriptor, ...data }) => [descriptor.name, `${kindOfData(data)}, ${descriptor.unit}`]))
  })

  test('has every metric of speech that is documented', () => {
    const names = exported.map(({ descriptor }) => descriptor.name)
    // Caches and thoughts are not in the answers of a speech model.
    const rare = ['gen_ai.client.inference.usage.cache_read.input_tokens', 'gen_ai.client.inference.usage.reasoning.output_tokens']
    const missing = [...metrics.keys()].filter((name) => /^(tts|gen_ai)\./.test(name) && !names.includes(name))
    expect(missing.filter((name) => !rare.includes(name))).toEqual([])
  })

  function kindOfData(data: Pick<MetricData, 'dataPointType'> & { readonly isMonotonic?: boolean }): string {
    if (data.dataPointType === DataPointType.GAUGE) return 'gauge'
    if (data.dataPointType === DataPointType.HISTOGRAM) return 'histogram'
    return data.isMonotonic ? 'counter' : 'updowncounter'
  }
})
