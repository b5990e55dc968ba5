import { parseServerTiming } from './attempts.ts'
import { type AnswerReader, countByModality, createMediaReader, type ReaderOptions, type TokenUsage } from './genai-answer.ts'

type Content = { readonly type?: string; readonly text?: string; readonly data?: string; readonly mime_type?: string }
type Rates = { readonly sample_rate?: number | undefined; readonly channels?: number | undefined }
type Step = {
  readonly type?: string
  readonly content?: readonly (Content & Rates)[]
  readonly error?: { code?: number; message?: string }
}
type TokenDetail = { readonly modality?: string; readonly tokens?: number }
type Usage = {
  readonly total_input_tokens?: number
  readonly total_output_tokens?: number
  readonly total_thought_tokens?: number
  readonly total_cached_tokens?: number
  readonly input_tokens_by_modality?: readonly TokenDetail[]
  readonly output_tokens_by_modality?: readonly TokenDetail[]
}
type Fault = { readonly code?: string; readonly message?: string }

/** What is read of an interaction; its output properties (`output_text`, `output_audio`) repeat what is in the steps. */
type Interaction = {
  readonly id?: string
  readonly model?: string
  readonly status?: string
  readonly service_tier?: string
  readonly steps?: readonly Step[]
  readonly usage?: Usage
  readonly errors?: readonly Fault[]
  readonly sdkHttpResponse?: { readonly headers?: Readonly<Record<string, string>> }
}
/** https://ai.google.dev/api/interactions-api: the events of a streamed interaction. */
type InteractionEvent = {
  readonly event_type: string
  readonly interaction?: Interaction
  readonly status?: string
  readonly usage?: Usage
  readonly delta?: Content & Rates
  readonly metadata?: { readonly total_usage?: Usage }
  readonly error?: Fault
}

/** The interaction goes on; nobody knows yet how it ends. */
const UNFINISHED = new Set(['in_progress', 'queued'])
/** `google.rpc.Code`, as the error of a step has it. https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto */
const RPC_CODES = (
  'OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED ' +
  'FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED'
).split(' ')

/** What is kept of an interaction; the rest of it is audio, or leads to it. */
type Known = {
  readonly id?: string | undefined
  readonly model?: string | undefined
  readonly status?: string | undefined
  readonly serviceTier?: string | undefined
  readonly usage?: Usage | undefined
  readonly serverTimingMs?: number | undefined
}

/** Reads one answer of `interactions.create`: whole, or event by event. Its status stands for the finish reason. */
export function createInteractionReader(options: ReaderOptions): AnswerReader {
  const reader = createMediaReader(options)
  let known: Known = {}
  let earlier: TokenUsage | undefined
  let fault: Fault | undefined
  /** Events brought the content of this hop: the snapshot at its end only repeats it. */
  let hasDeltas = false

  function readContent({ type, text, data, mime_type, sample_rate, channels }: Content & Rates, atMs: number): void {
    if (type === 'text') reader.text(text)
    if (type === 'audio') reader.audio(data, typeWithRates(mime_type, { sample_rate, channels }), atMs)
  }

  function readStep({ type, content = [], error }: Step, atMs: number): void {
    if (type !== 'model_output') return
    if (error) fault ??= { code: RPC_CODES[error.code ?? 2] ?? 'UNKNOWN', ...(error.message ? { message: error.message } : {}) }
    for (const one of content) readContent(one, atMs)
  }

  function readInteraction(interaction: Interaction, atMs: number): void {
    const { steps = [], errors } = interaction
    known = {
      id: interaction.id ?? known.id,
      model: interaction.model ?? known.model,
      status: interaction.status ?? known.status,
      serviceTier: interaction.service_tier ?? known.serviceTier,
      usage: interaction.usage ?? known.usage,
      serverTimingMs: parseServerTiming(interaction.sdkHttpResponse?.headers?.['server-timing']) ?? known.serverTimingMs,
    }
    fault ??= errors?.[0]
    if (!hasDeltas) for (const step of steps) readStep(step, atMs)
  }

  function readEvent(event: InteractionEvent, atMs: number): void {
    const { event_type, interaction, status, delta, error } = event
    if (event_type === 'interaction.created') {
      // A continuation is an interaction of its own, and counts its own tokens.
      earlier = addUsage(earlier, known.usage && readUsage(known.usage))
      known = {}
      hasDeltas = false
    }
    if (event_type === 'error') fault = error ?? {}
    const usage = event.usage ?? event.metadata?.total_usage
    if (status !== undefined) known = { ...known, status }
    if (usage !== undefined) known = { ...known, usage }
    if (delta) {
      hasDeltas = true
      readContent(delta, atMs)
    } else if (interaction) {
      readInteraction(interaction, atMs)
    }
  }

  return {
    add(piece, atMs) {
      if (isEvent(piece)) readEvent(piece, atMs)
      else readInteraction(piece as Interaction, atMs) // every part of it is optional
    },
    answer() {
      const { id, model, status, serviceTier, usage, serverTimingMs } = known
      return {
        ...reader.media(),
        id,
        model,
        serviceTier,
        serverTimingMs,
        finishReasons: status === undefined || UNFINISHED.has(status) ? [] : [status.toLowerCase()],
        blockReason: undefined,
        error: fault,
        usage: addUsage(earlier, usage && readUsage(usage)),
      }
    },
  }
}

function isEvent(piece: unknown): piece is InteractionEvent {
  return typeof piece === 'object' && piece !== null && 'event_type' in piece
}

/** Rate and channels stand beside a bare type: `audio/l16` with `sample_rate`. */
function typeWithRates(type: string | undefined, { sample_rate, channels }: Rates): string | undefined {
  if (type === undefined || type.includes(';')) return type
  return `${type}${sample_rate === undefined ? '' : `;rate=${sample_rate}`}${channels === undefined ? '' : `;channels=${channels}`}`
}

function readUsage(usage: Usage): TokenUsage {
  const { total_output_tokens: output, total_thought_tokens: thoughts } = usage
  return {
    input: usage.total_input_tokens,
    output: output === undefined && thoughts === undefined ? undefined : (output ?? 0) + (thoughts ?? 0),
    thoughts,
    cached: usage.total_cached_tokens,
    inputByModality: countByModality(usage.input_tokens_by_modality, ({ tokens }) => tokens),
    outputByModality: countByModality(usage.output_tokens_by_modality, ({ tokens }) => tokens),
  }
}

/** What two parts of one answer took together. */
export function addUsage(first: TokenUsage | undefined, second: TokenUsage | undefined): TokenUsage | undefined {
  if (!first || !second) return first ?? second
  return {
    input: add(first.input, second.input),
    output: add(first.output, second.output),
    thoughts: add(first.thoughts, second.thoughts),
    cached: add(first.cached, second.cached),
    inputByModality: addAll(first.inputByModality, second.inputByModality),
    outputByModality: addAll(first.outputByModality, second.outputByModality),
  }
}

function add(first: number | undefined, second: number | undefined): number | undefined {
  return first === undefined ? second : first + (second ?? 0)
}

function addAll(first: Readonly<Record<string, number>>, second: Readonly<Record<string, number>>): Record<string, number> {
  const sums: Record<string, number> = { ...first }
  for (const [name, tokens] of Object.entries(second)) sums[name] = (sums[name] ?? 0) + tokens
  return sums
}
