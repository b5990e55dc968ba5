/** Drives the real client through every mode of the Live API, in processes with and without us. */
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { SpanStatusCode } from '@opentelemetry/api'
import { expect } from 'vitest'
import { LIVE_MODES, type LiveModeName } from '../../examples/gemini-stand-in/live-modes.ts'
import { createGeminiStandIn, STAND_IN_KEY } from '../../examples/gemini-stand-in/server.ts'
import { layOut, type Run, runApp } from './genai-table.ts'
import { listen } from './support.ts'

const apps = fileURLToPath(new URL('../fixtures/genai-live/', import.meta.url))

type Case = LiveModeName | 'wrong-key' | 'wrong-model' | 'nobody-listens'

/** `error.type` of each connection. */
export const LIVE_ERROR_TYPES: Readonly<Record<Case, string | undefined>> = {
  ok: undefined,
  'silent-turn': 'no_audio',
  'text-instead': 'text_instead_of_audio',
  rejected: 'content_blocked',
  interrupted: undefined,
  'tool-call': undefined,
  'go-away': undefined,
  deadline: 'DEADLINE_EXCEEDED',
  'internal-mid-turn': '1011',
  invalid: '1007',
  policy: '1008',
  quota: 'RESOURCE_EXHAUSTED',
  'closed-mid-turn': 'truncated_stream',
  'broken-mid-turn': '1006',
  'not-closed': undefined,
  stall: 'cancelled',
  refused: '403',
  'wrong-key': '1007',
  'wrong-model': '1008',
  'nobody-listens': 'ECONNREFUSED',
}

/** Runs `app` (`app-esm.mjs` or `app-cjs.cjs`) on the client installed as `installed`, first bare and then watched. */
export async function runLiveTable(installed: string, app: string): Promise<{ bare: Run; watched: Run }> {
  const dir = layOut(installed, apps)
  const standIn = createGeminiStandIn({ timeScale: 0.0002 })
  const { url } = await standIn.listen()
  const nobody = await listen(() => {})
  await nobody.close()
  const env = {
    STAND_IN_URL: url,
    STAND_IN_KEY,
    DEAD_URL: nobody.url,
    MODES: Object.keys(LIVE_ERROR_TYPES).join(','),
    OTEL_SEMCONV_STABILITY_OPT_IN: 'gen_ai_latest_experimental/dup',
  }
  try {
    const [bare, watched] = await Promise.all([runApp(dir, app, env, false), runApp(dir, app, env, true)])
    return { bare, watched }
  } finally {
    await standIn.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}

/** Fails unless every connection is told as it went, once, and the app got what it gets without us, to the byte and the error. */
export function expectLiveTable({ bare, watched }: { bare: Run; watched: Run }): void {
  expect(Object.keys(LIVE_MODES).every((mode) => mode in LIVE_ERROR_TYPES)).toBe(true)
  expect(watched.results).toEqual(bare.results)
  expect(watched.warnings).toBe(bare.warnings)
  const expected = Object.entries({ ...LIVE_ERROR_TYPES, throws: undefined }).map(([mode, type]) => [modelOf(mode), type, codeOf(type)])
  const seen = watched.spans.map(({ attributes, status }) => [attributes['gen_ai.request.model'], attributes['error.type'], status.code])
  expect(seen.toSorted(byModel)).toEqual(expected.toSorted(byModel))
  for (const name of ['gen_ai.client.operation.duration', 'gen_ai.client.inference.duration'])
    expect(countByType(watched, name), name).toEqual(countTypes(expected.map(([, type]) => String(type))))
}

/** The span of the connection in this mode. */
export function connectionOf({ spans }: Run, mode: Case) {
  return spans.find(({ attributes }) => attributes['gen_ai.request.model'] === modelOf(mode))
}

function modelOf(mode: string): string {
  return mode === 'wrong-model' ? 'gemini-deaf' : `gemini-live-${mode}`
}

function codeOf(type: string | undefined): number {
  return type === undefined || type === 'cancelled' ? SpanStatusCode.UNSET : SpanStatusCode.ERROR
}

function byModel(first: readonly unknown[], second: readonly unknown[]): number {
  return String(first[0]).localeCompare(String(second[0]))
}

/** Each connection of the table has one turn, or fails before it. */
function countByType({ metrics }: Run, name: string): Record<string, number> {
  const points = metrics.find((metric) => metric.name === name)?.points ?? []
  expect(points.map(({ attributes }) => attributes['gen_ai.operation.name'])).toEqual(points.map(() => 'generate_live_content'))
  return countTypes(
    points.flatMap(({ attributes, value }) =>
      Array<string>(typeof value === 'number' ? value : (value.count ?? 0)).fill(String(attributes['error.type'])),
    ),
  )
}

function countTypes(types: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const type of types) counts[type] = (counts[type] ?? 0) + 1
  return counts
}
