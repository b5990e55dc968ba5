import type { Attributes, Counter, Histogram, Meter } from '@opentelemetry/api'
import { account } from './account.ts'
import { followProvider } from './instruments.ts'
import { modelLabel } from './model-label.ts'
import { activeConnections, queueLength } from './observed.ts'
import type { TtsOutcome } from './outcome.ts'
import type { UnknownCost } from './pricing.ts'
import * as names from './semconv.ts'
import { voiceLabel } from './voices.ts'

/** What one finished `tts_request` adds to the metrics; what is not known is left out. */
export type TtsMeasures = {
  readonly outcome: TtsOutcome
  readonly model: string | undefined
  readonly voice: string | undefined
  readonly isFromCache: boolean
  readonly characters: number
  readonly requestS: number
  readonly processingS: number
  readonly audioS: number | undefined
  readonly rtf: number | undefined
  readonly timeToFirstAudioS: number | undefined
  readonly timeToFirstAudibleS: number | undefined
  /** Of audio in more than one piece. */
  readonly stalledS: number | undefined
  readonly costUsd: number | undefined
  readonly unknownCosts: ReadonlyMap<UnknownCost, number>
  readonly billedWithoutAudioTokens: number
}

/** Successes of up to 77 s and failures after 148 s were seen; the buckets of the general conventions end at 10 s and 82 s. */
const DURATION_S = [0.1, 0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 45, 60, 90, 120, 150, 180, 240, 300]
const FIRST_AUDIO_S = [0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 7.5, 10, 15, 20, 30, 60, 120]
/** 16,384 output tokens, the most Gemini makes, play for 655 s. */
const AUDIO_S = [0.5, 1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 450, 660]
/** Fine around 1, where speech is made as fast as it plays. */
const RTF = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 2, 3, 5, 10, 20]
/** The first bucket holds those without a stall; a pause of 15 s in the middle of a sentence was reported. */
const STALLED_S = [0, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 60]
/** Series whose labels are kept; a service has some hundred. */
const SERIES_MAX = 1_000

const instruments = followProvider((meter) => {
  queueLength.follow()
  activeConnections.follow()
  return createInstruments(meter)
})
const keepLabels = createLabels()

/** Adds one finished request to the metrics and the account of this process. */
export function recordTtsRequest(measures: TtsMeasures): void {
  account.speech(measures)
  const to = instruments()
  const model = measures.model === undefined ? undefined : modelLabel(measures.model)
  const voice = measures.voice === undefined ? undefined : voiceLabel(measures.voice)
  const labels = keepLabels({ outcome: measures.outcome, model, voice, isFromCache: measures.isFromCache })
  to.requests.add(1, labels)
  to.requestDuration.record(measures.requestS, labels)
  to.processingDuration.record(measures.processingS, labels)
  record(to.audioDuration, measures.audioS, labels)
  record(to.rtf, measures.rtf, labels)
  record(to.timeToFirstAudio, measures.timeToFirstAudioS, labels)
  record(to.timeToFirstAudible, measures.timeToFirstAudibleS, labels)
  record(to.stalled, measures.stalledS, labels)
  recordBill(to, measures, keepLabels({ model, voice }))
}

/** Adds a processing time of code that makes no `tts_request`. In seconds. */
export function addProcessingTime(seconds: number): void {
  account.processing(seconds)
  instruments().processingDuration.record(seconds)
}

function recordBill(to: ReturnType<typeof createInstruments>, measures: TtsMeasures, labels: Attributes): void {
  to.characters.add(measures.characters, labels)
  if (measures.costUsd !== undefined) to.cost.add(measures.costUsd, labels)
  for (const [reason, calls] of measures.unknownCosts) to.costUnknown.add(calls, { ...labels, [names.TTS_COST_UNKNOWN_REASON]: reason })
  if (measures.billedWithoutAudioTokens > 0) to.billedWithoutAudio.add(measures.billedWithoutAudioTokens, labels)
}

function record(histogram: Histogram, value: number | undefined, labels: Attributes): void {
  if (value !== undefined) histogram.record(value, labels)
}

type Labels = {
  readonly outcome?: TtsOutcome
  readonly model: string | undefined
  readonly voice?: string | undefined
  readonly isFromCache?: boolean
}

/** One frozen object for each series: the bundle's SDK hashes a frozen object once. */
function createLabels(): (labels: Labels) => Attributes {
  const known = new Map<string, Attributes>()
  return function labelsOf({ outcome, model, voice, isFromCache }) {
    const key = `${outcome} ${model} ${voice} ${isFromCache}`
    const found = known.get(key)
    if (found) return found
    const labels: Attributes = {}
    if (outcome !== undefined) labels[names.TTS_OUTCOME] = outcome
    if (model !== undefined) labels[names.TTS_MODEL] = model
    if (voice !== undefined) labels[names.TTS_VOICE] = voice
    if (isFromCache) labels[names.TTS_CACHE_HIT] = true
    if (known.size >= SERIES_MAX) known.clear()
    known.set(key, Object.freeze(labels))
    return labels
  }
}

function createInstruments(meter: Meter) {
  const histogram = (name: string, unit: string, description: string, buckets: number[]): Histogram =>
    meter.createHistogram(name, { unit, description, advice: { explicitBucketBoundaries: buckets } })
  const counter = (name: string, unit: string, description: string): Counter => meter.createCounter(name, { unit, description })
  const ofRequests = 'Speech requests from arrival to end'
  const ofFirst = 'From the start of processing to the first audio'
  const ofAudible = 'From the start of processing until something can be heard'
  const ofStalls = 'How long listeners to streamed speech waited in the middle of it'
  const ofRtf = 'Processing time divided by playing time; below 1 is faster than it plays'
  return {
    requests: counter(names.METRIC_TTS_REQUESTS, '{request}', 'Speech requests by outcome'),
    requestDuration: histogram(names.METRIC_TTS_REQUEST_DURATION, 's', ofRequests, DURATION_S),
    processingDuration: histogram(names.METRIC_TTS_PROCESSING_DURATION, 's', `${ofRequests}, without their time in the queue`, DURATION_S),
    audioDuration: histogram(names.METRIC_TTS_AUDIO_DURATION, 's', 'Playing time of the speech of one request', AUDIO_S),
    rtf: histogram(names.METRIC_TTS_RTF, '1', ofRtf, RTF),
    timeToFirstAudio: histogram(names.METRIC_TTS_TIME_TO_FIRST_AUDIO, 's', ofFirst, FIRST_AUDIO_S),
    timeToFirstAudible: histogram(names.METRIC_TTS_TIME_TO_FIRST_AUDIBLE, 's', ofAudible, FIRST_AUDIO_S),
    stalled: histogram(names.METRIC_TTS_STREAM_STALLED, 's', ofStalls, STALLED_S),
    characters: counter(names.METRIC_TTS_CHARACTERS, '{character}', 'Characters of the texts to speak'),
    cost: counter(names.METRIC_TTS_COST, '{USD}', 'What the provider will bill, estimated from list prices'),
    costUnknown: counter(names.METRIC_TTS_COST_UNKNOWN, '{call}', 'Calls whose cost is not known'),
    billedWithoutAudio: counter(names.METRIC_TTS_BILLED_WITHOUT_AUDIO, '{token}', 'Output tokens billed although no audio came'),
  }
}
