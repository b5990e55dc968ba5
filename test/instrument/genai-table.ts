/** Drives the real client through every mode of the stand-in, in processes with and without us. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SpanStatusCode } from '@opentelemetry/api'
import { expect } from 'vitest'
import { MODES, type ModeName } from '../../examples/gemini-stand-in/modes.ts'
import { createGeminiStandIn, STAND_IN_KEY } from '../../examples/gemini-stand-in/server.ts'
import { runNode } from '../support/run-node.ts'

export type Kind = 'unary' | 'stream' | 'interaction' | 'interaction-stream'
export const KINDS: readonly Kind[] = ['unary', 'stream', 'interaction', 'interaction-stream']

export type SpanSeen = {
  readonly name: string
  readonly id: string
  readonly parentId?: string
  readonly attributes: Readonly<Record<string, unknown>>
  readonly status: { readonly code: number; readonly message?: string }
}
type Point = { readonly attributes: Readonly<Record<string, unknown>>; readonly value: { readonly count?: number } | number }

/** What one process saw: results by `kind mode`, and what we wrote about them. */
export type Run = {
  readonly results: Readonly<Record<string, unknown>>
  readonly warnings: string
  readonly spans: readonly SpanSeen[]
  readonly metrics: readonly { readonly name: string; readonly points: readonly Point[] }[]
}

const fixtures = fileURLToPath(new URL('../fixtures/genai/', import.meta.url))
const modules = fileURLToPath(new URL('../../node_modules/', import.meta.url))
const DEPENDENCIES = ['google-auth-library', 'p-retry', 'protobufjs', 'ws']
const TIMEOUT_MS = 60_000

/** Runs `app` (`app-esm.mjs` or `app-cjs.cjs`) on the client installed as `installed`, first bare and then watched. */
export async function runTable(installed: string, app: string): Promise<{ bare: Run; watched: Run }> {
  const dir = layOut(installed)
  const standIn = createGeminiStandIn({ timeScale: 0.0002 })
  const { url } = await standIn.listen()
  const env = {
    STAND_IN_URL: url,
    STAND_IN_KEY,
    MODES: Object.keys(MODES).join(','),
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

/** A folder with `apps` where the package has its own name, also when it is installed under an alias. */
export function layOut(installed: string, apps = fixtures): string {
  const dir = mkdtempSync(join(tmpdir(), 'tts-otel-genai-'))
  const client = join(dir, 'node_modules/@google/genai')
  cpSync(join(modules, installed, 'package.json'), join(client, 'package.json'))
  cpSync(join(modules, installed, 'dist/node'), join(client, 'dist/node'), { recursive: true })
  for (const name of DEPENDENCIES) symlinkSync(join(modules, name), join(dir, 'node_modules', name))
  cpSync(apps, dir, { recursive: true })
  mkdirSync(join(dir, 'out'))
  return dir
}

/** Runs an app of such a folder; it prints what it got. */
export async function runApp(dir: string, app: string, env: Readonly<Record<string, string>>, isWatched: boolean): Promise<Run> {
  const file = join(dir, 'out', `${app}.json`)
  const preload = isWatched ? ['--import', join(fixtures, 'watch.ts')] : []
  const args = ['--no-warnings', ...preload, join(dir, app)]
  const { code, stdout, stderr } = await runNode(args, { env: { ...env, TELEMETRY_FILE: file }, timeoutMs: TIMEOUT_MS })
  if (code !== 0) throw new Error(`${app} ended with ${code}: ${stderr}`)
  const written = isWatched ? JSON.parse(readFileSync(file, 'utf8')) : { spans: [], metrics: [] }
  return { results: JSON.parse(stdout), warnings: stderr, ...written }
}

/** The span of one call: the model's name says which. */
export function spanOf({ spans }: Run, kind: Kind, mode: ModeName): SpanSeen | undefined {
  return spans.find(({ name, attributes }) => name === 'gemini_api_call' && attributes['gen_ai.request.model'] === modelOf(kind, mode))
}

export function modelOf(kind: Kind, mode: string): string {
  return `gemini-3.8-flash-tts-${kind}-${mode}`
}

type Expected = readonly [
  unary: string | undefined,
  stream: string | undefined,
  interaction: string | undefined,
  events: string | undefined,
]

const all = (type: string | undefined): Expected => [type, type, type, type]
const named = (status: string, code: string): Expected => [status, status, code, code]
const TRUNCATED: Expected = ['truncated', 'truncated_stream', 'truncated', 'truncated_stream']

/** `error.type` of each call, by mode. */
export const ERROR_TYPES: Readonly<Record<ModeName, Expected>> = {
  ok: all(undefined),
  slow: all(undefined),
  quota: named('RESOURCE_EXHAUSTED', 'rate_limit_exceeded'),
  'quota-brief': named('RESOURCE_EXHAUSTED', 'rate_limit_exceeded'),
  'quota-day': named('RESOURCE_EXHAUSTED', 'rate_limit_exceeded'),
  'quota-tokens': named('RESOURCE_EXHAUSTED', 'rate_limit_exceeded'),
  'quota-plain': named('RESOURCE_EXHAUSTED', 'rate_limit_exceeded'),
  internal: named('INTERNAL', 'api_error'),
  'bad-request': named('INVALID_ARGUMENT', 'invalid_request'),
  forbidden: named('PERMISSION_DENIED', 'permission_denied'),
  'not-found': named('NOT_FOUND', 'model_not_found'),
  unavailable: named('UNAVAILABLE', 'service_unavailable'),
  deadline: named('DEADLINE_EXCEEDED', 'deadline_exceeded'),
  'error-in-stream': named('UNAVAILABLE', 'service_unavailable'),
  'no-audio': all('no_audio'),
  'slow-no-audio': all('no_audio'),
  truncated: TRUNCATED,
  // A unary answer without a finish reason cannot be told from a whole one; an interaction has a status.
  'no-finish-reason': [undefined, 'truncated_stream', 'truncated', 'truncated_stream'],
  'twenty-seconds': TRUNCATED,
  stall: all(undefined),
  'header-only': all('no_audio'),
  'near-silent': all(undefined),
  repeated: all(undefined),
  'voice-drift': all(undefined),
  'prompt-read-aloud': all(undefined),
  'text-instead': all('text_instead_of_audio'),
  blocked: named('blocked', 'prohibited_content'),
  safety: all('safety'),
  recitation: all('recitation'),
  'max-tokens': TRUNCATED,
  'empty-candidates': all('no_audio'),
  // Where an event of the stream is cut, 3.x and 2.x drop it without a word.
  malformed: ['malformed_answer', 'malformed_answer', 'malformed_answer', 'no_audio'],
  proxy: all('502'),
  continuation: all(undefined),
  reset: all('ECONNRESET'),
  hang: all('timeout'),
}

/** 2.0.0 takes an error object inside a stream for a piece without content, and goes on to the end. */
export const ERROR_TYPES_2: typeof ERROR_TYPES = {
  ...ERROR_TYPES,
  'error-in-stream': ['UNAVAILABLE', 'truncated_stream', 'service_unavailable', 'service_unavailable'],
}

/** Fails unless every call of every mode is told as it was, once, and the caller got what it gets without us, to the byte and the error. */
export function expectTable({ bare, watched }: { bare: Run; watched: Run }, errorTypes: Readonly<Record<string, Expected>>): void {
  expect(watched.results).toEqual(bare.results)
  expect(watched.warnings).toBe(bare.warnings)
  const calls = Object.entries(errorTypes).flatMap(([mode, types]) =>
    KINDS.map((kind, index) => ({ model: modelOf(kind, mode), type: types[index], code: types[index] === undefined ? UNSET : ERROR })),
  )
  expect(tell(watched.spans).toSorted(byModel)).toEqual(calls.toSorted(byModel))
  expectAttempts(watched.spans)
  for (const name of ['gen_ai.client.operation.duration', 'gen_ai.client.inference.duration'])
    expect(countByType(watched, name), name).toEqual(count(calls.map(({ type }) => type)))
}

const { UNSET, ERROR } = SpanStatusCode

function tell(spans: readonly SpanSeen[]) {
  const calls = spans.filter(({ name }) => name === 'gemini_api_call')
  return calls.map(({ attributes, status }) => ({
    model: String(attributes['gen_ai.request.model']),
    type: attributes['error.type'],
    code: status.code,
  }))
}

function byModel(first: { readonly model: string }, second: { readonly model: string }): number {
  return first.model.localeCompare(second.model)
}

/** Each HTTP request belongs to the call that made it, and the call knows how many it made. */
function expectAttempts(spans: readonly SpanSeen[]): void {
  const calls = spans.filter(({ name }) => name === 'gemini_api_call')
  const attempts = count(spans.filter(({ name }) => name === 'POST').map(({ parentId }) => parentId))
  expect(attempts).toEqual(Object.fromEntries(calls.map(({ id, attributes }) => [id, attributes['gcp.gemini.attempts']])))
}

function countByType({ metrics }: Run, name: string): Record<string, number> {
  const points = metrics.find((metric) => metric.name === name)?.points ?? []
  const counts: Record<string, number> = {}
  for (const { attributes, value } of points) {
    const type = String(attributes['error.type'])
    counts[type] = (counts[type] ?? 0) + (typeof value === 'number' ? value : (value.count ?? 0))
  }
  return counts
}

function count(names: readonly (string | undefined)[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of names) counts[String(name)] = (counts[String(name)] ?? 0) + 1
  return counts
}
