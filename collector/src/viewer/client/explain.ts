import type { Attributes, SpanRow } from './rows.ts'
import { showMs, toMs } from './time.ts'

/** What the user got, for people. */
export type Verdict = {
  readonly tone: 'good' | 'warn' | 'bad' | 'neutral'
  readonly title: string
  readonly text: string
  readonly facts: readonly (readonly [label: string, value: string])[]
}

/** Of Gemini and of HTTP. docs/speech.md has all of them. */
const REASONS: Readonly<Record<string, string>> = {
  no_audio: 'Gemini answered 200 without audio, and bills it. The same request often succeeds when it is sent again.',
  text_instead_of_audio: 'Gemini wrote an answer instead of speaking the text.',
  truncated: 'Gemini broke off before the end of the text. Shorter texts help.',
  truncated_stream: 'The stream ended before the text did. Shorter texts help, or an answer in one piece.',
  blocked: 'Gemini refused the text.',
  safety: 'Gemini withheld the answer as harmful.',
  recitation: 'Gemini withheld the answer because it repeats protected text.',
  language: 'Gemini does not speak this language.',
  blocklist: 'The text holds forbidden words.',
  prohibited_content: 'The text holds forbidden content.',
  spii: 'The text holds sensitive personal data.',
  content_blocked: 'Gemini withheld the answer without saying why.',
  malformed_response: 'Gemini made an answer that Google itself could not read.',
  malformed_answer: 'The answer of Gemini was no valid JSON, or ended in the middle of it.',
  timeout: 'Gemini did not answer in time.',
  RESOURCE_EXHAUSTED: 'A quota of Gemini ran out.',
  rate_limit_exceeded: 'Too many requests or tokens in a minute.',
  quota_exceeded: 'The quota of the day is used up.',
  UNAVAILABLE: 'The model was overloaded.',
  INTERNAL: 'There was a fault at Google.',
  DEADLINE_EXCEEDED: 'Google did not finish in time.',
  UNAUTHENTICATED: 'Gemini was asked without valid credentials.',
  PERMISSION_DENIED: 'The API key may not do this.',
  NOT_FOUND: 'There is no such model; it may have been shut down.',
  INVALID_ARGUMENT: 'Gemini finds the request wrong.',
  ECONNREFUSED: 'Nobody listened at the address of Gemini.',
  ECONNRESET: 'The connection to Gemini broke.',
}

const TITLES: Readonly<Record<string, string>> = {
  no_audio: 'No sound: the provider answered without audio',
  text_instead_of_audio: 'No sound: the provider wrote instead of speaking',
  truncated: 'The sound breaks off before the text ends',
  silent: 'Nothing can be heard in the audio',
  error: 'No sound: the speech request failed',
  cancelled: 'Cancelled: the listener did not wait',
}

const OUTCOME_REASONS: Readonly<Record<string, string>> = {
  silent: 'Audio came, but every sample of it is below what can be heard.',
  cancelled: 'The caller closed the connection or gave up; that is no error of the service.',
}

/** Reads the trace of a request: what became of the speech, and why there was no sound. */
export function explain(spans: readonly SpanRow[]): Verdict {
  const named = (name: string) => spans.filter((span) => span.name === name).toSorted((a, b) => toMs(a.start) - toMs(b.start))
  const speeches = named('tts_request')
  const speech = speeches.find(({ status }) => status === 'error') ?? speeches.at(-1)
  return speech === undefined ? explainWithoutSpeech(spans) : explainSpeech(speech, named('gemini_api_call').at(-1))
}

function explainWithoutSpeech(spans: readonly SpanRow[]): Verdict {
  const failed = spans.findLast(({ status }) => status === 'error')
  const root = spans.find(({ parent_span_id }) => parent_span_id === null) ?? spans[0]
  const status = text(root?.attributes, 'http.response.status_code')
  const refused = Number(status) >= 400
  const facts = factsOf({ 'HTTP status': status, 'error type': text(failed?.attributes, 'error.type') })
  if (failed === undefined && !refused)
    return { tone: 'neutral', title: 'No speech in this trace', text: 'Nothing was asked to be spoken here.', facts }
  const said = failed?.status_message || `It was answered with ${status}.`
  return { tone: 'bad', title: 'No sound: the request did not come as far as speech', text: said, facts }
}

function explainSpeech(speech: SpanRow, call: SpanRow | undefined): Verdict {
  const outcome = text(speech.attributes, 'tts.outcome')
  const facts = speechFacts(speech.attributes, call?.attributes)
  if (outcome === 'ok' || outcome === '') {
    const seconds = number(speech.attributes, 'tts.audio.duration')
    const hint = SUSPICIONS[text(speech.attributes, 'tts.truncation.suspected')]
    const title = seconds === undefined ? 'Spoken' : `Spoken: ${seconds.toFixed(2)} s of audio`
    return { tone: hint === undefined ? 'good' : 'warn', title, text: hint ?? 'Audio came, as far as anybody can tell all of it.', facts }
  }
  const errorType = text(call?.attributes, 'error.type') || text(speech.attributes, 'error.type')
  const said = call?.status_message || speech.status_message
  const reason = OUTCOME_REASONS[outcome] ?? REASONS[errorType] ?? said
  const title = TITLES[outcome] ?? `The outcome is ${outcome}`
  const detail = said !== '' && said !== reason && OUTCOME_REASONS[outcome] === undefined ? ` “${said}”` : ''
  return { tone: outcome === 'cancelled' ? 'neutral' : 'bad', title, text: `${reason}${detail}`, facts }
}

const SUSPICIONS: Readonly<Record<string, string>> = {
  header: 'Audio came, but less than its header promises.',
  tokens: 'Audio came, but less than was billed.',
  text: 'Audio came, but nobody reads so fast: the end may be missing.',
}

function speechFacts(speech: Attributes, call: Attributes | undefined): Verdict['facts'] {
  const seconds = (name: string) => {
    const value = number(speech, name)
    return value === undefined ? '' : showMs(value * 1_000)
  }
  const [rtf, cost] = [number(speech, 'tts.rtf'), number(speech, 'tts.cost.estimated_usd')]
  const finish = call?.['gen_ai.response.finish_reasons']
  return factsOf({
    outcome: text(speech, 'tts.outcome'),
    'error type': text(call, 'error.type') || text(speech, 'error.type'),
    'finish reason': Array.isArray(finish) ? finish.join(', ') : '',
    'blocked for': text(call, 'gcp.gemini.block_reason'),
    quota: text(call, 'gcp.gemini.quota_id'),
    'retry in': text(call, 'gcp.gemini.retry_delay'),
    attempts: text(speech, 'tts.attempts'),
    audio: seconds('tts.audio.duration'),
    'first audio': seconds('tts.time_to_first_audio'),
    'queue wait': seconds('tts.queue.wait'),
    'real-time factor': rtf === undefined ? '' : rtf.toFixed(2),
    characters: text(speech, 'tts.input.characters'),
    voice: text(speech, 'tts.voice'),
    language: text(speech, 'tts.language'),
    model: text(speech, 'tts.model') || text(call, 'gen_ai.request.model'),
    'estimated cost': cost === undefined ? '' : `${cost.toFixed(6)} USD`,
  })
}

function factsOf(values: Readonly<Record<string, string>>): Verdict['facts'] {
  return Object.entries(values).filter(([, value]) => value !== '')
}

function text(attributes: Attributes | undefined, name: string): string {
  const value = attributes?.[name]
  return value === undefined || value === null ? '' : String(value)
}

function number(attributes: Attributes, name: string): number | undefined {
  const value = attributes[name]
  return typeof value === 'number' ? value : undefined
}
