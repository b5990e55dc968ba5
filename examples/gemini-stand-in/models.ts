import { invalidArgument, notFound, refuse } from './refusals.ts'
import type { Script } from './script.ts'

/** `GET /v1|/v1beta/models` (id null) or `…/models/{id}`. */
export type ModelsRequest = { readonly version: string; readonly id: string | null; readonly query: URLSearchParams }

/** https://ai.google.dev/api/models#Model */
type Model = {
  readonly name: string
  readonly version: string
  readonly displayName: string
  readonly description: string
  readonly inputTokenLimit: number
  readonly outputTokenLimit: number
  readonly supportedGenerationMethods: readonly string[]
}

/** What the list takes on the real service, from a near data center. */
const LIST_MS = 80
/** https://ai.google.dev/api/models#query-parameters */
const PAGE_SIZE = 50
const PAGE_SIZE_MAX = 1_000

const MODELS: readonly Model[] = [
  speechModel('gemini-3.8-flash-tts', 'Gemini 3.8 Flash TTS'),
  speechModel('gemini-3.8-flash-lite-tts', 'Gemini 3.8 Flash-Lite TTS'),
  speechModel('gemini-3.1-flash-tts-preview', 'Gemini 3.1 Flash TTS Preview'),
]

/** The request behind a path, or null for any other path. */
export function parseModelsPath(url: URL): ModelsRequest | null {
  const match = /^\/(v1|v1beta)\/models(?:\/([\w.-]+))?$/.exec(url.pathname)
  if (!match) return null
  const [, version = '', id = null] = match
  return { version, id, query: url.searchParams }
}

/** Answers without speech, and without costs: health checks ask this. */
export function answerModels({ version, id, query }: ModelsRequest): Script {
  if (id === null) return listModels(query)
  const model = MODELS.find(({ name }) => name === `models/${id}`)
  return model ? json(model) : refuse(notFound(`Model is not found: models/${id} for api version ${version}`))
}

function listModels(query: URLSearchParams): Script {
  const pageSize = Number(query.get('pageSize') ?? PAGE_SIZE) || PAGE_SIZE
  if (!Number.isInteger(pageSize) || pageSize < 0) return refuse(invalidArgument('page_size must be a positive whole number.'))
  const token = query.get('pageToken')
  const start = token ? MODELS.findIndex(({ name }) => tokenOf(name) === token) : 0
  if (start === -1) return refuse(invalidArgument('page_token is invalid.'))
  const end = start + Math.min(pageSize, PAGE_SIZE_MAX)
  const next = MODELS[end]
  return json({ models: MODELS.slice(start, end), ...(next ? { nextPageToken: tokenOf(next.name) } : {}) })
}

function tokenOf(name: string): string {
  return Buffer.from(name).toString('base64url')
}

function speechModel(id: string, displayName: string): Model {
  return {
    name: `models/${id}`,
    version: '001',
    displayName,
    description: `${displayName}: text in, speech out`,
    inputTokenLimit: 8_192,
    outputTokenLimit: 16_384,
    supportedGenerationMethods: ['countTokens', 'generateContent', 'batchGenerateContent'],
  }
}

function json(body: object): Script {
  const steps = [{ kind: 'send', body: `${JSON.stringify(body, null, 2)}\n` }] as const
  return { status: 200, contentType: 'application/json; charset=UTF-8', thinkMs: LIST_MS, steps }
}
