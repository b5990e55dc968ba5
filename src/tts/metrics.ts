import type { Attributes, Counter, Histogram, MeterProvider } from '@opentelemetry/api'
import { metrics } from '@opentelemetry/api'
import {
  METRIC_TTS_AUDIO_DURATION,
  METRIC_TTS_BILLED_WITHOUT_AUDIO,
  METRIC_TTS_CHARACTERS,
  METRIC_TTS_COST,
  METRIC_TTS_PROCESSING_DURATION,
  METRIC_TTS_REQUEST_DURATION,
  METRIC_TTS_REQUESTS,
  METRIC_TTS_RTF,
  METRIC_TTS_TIME_TO_FIRST_AUDIO,
  TTS_MODEL,
  TTS_OUTCOME,
  TTS_VOICE,
} from './semconv.ts'
import { voiceLabel } from './voices.ts'

/** What one finished `tts_request` adds to the metrics; what is not known is left out. */
export type TtsMeasures = {
  readonly outcome: string
  readonly model: string | undefined
  readonly voice: string | undefined
  readonly characters: number
  readonly requestS: number
  readonly processingS: number
  readonly audioS: number | undefined
  readonly rtf: number | undefined
  readonly timeToFirstAudioS: number | undefined
  readonly costUsd: number | undefined
  readonly billedWithoutAudioTokens: number
}

type Instruments = ReturnType<typeof createInstruments>

const SCOPE = 'tts-otel'
/** Successes of up to 77 s and failures after 148 s were seen; the buckets of the general conventions end at 10 s and 82 s. */
const DURATION_S = [0.1, 0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 45, 60, 90, 120, 150, 180, 240, 300]
const FIRST_AUDIO_S = [0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 7.5, 10, 15, 20, 30, 60, 120]
/** 16,384 output tokens, the most Gemini makes, play for 655 s. */
const AUDIO_S = [0.5, 1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 450, 660]
/** Fine around 1, where speech is made as fast as it plays. */
const RTF = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 2, 3, 5, 10, 20]
/** A model name of another form comes from a caller's mistake, and every new one would be a new time series. */
const MODEL_NAME = /^[\w][\w./:-]{0,63}$/

/** The instruments of the meter provider that is registered now. The API hands out no-ops before one is, and never replaces them. */
const instruments = createInstrumentsOnce()

/** Adds one finished request to the metrics; nothing happens where no meter provider is registered. */
export function recordTtsRequest(measures: TtsMeasures): void {
  const model = modelLabel(measures.model)
  const labels = { [TTS_OUTCOME]: measures.outcome, ...model, ...voiceOf(measures.voice) }
  const to = instruments()
  to.requests.add(1, labels)
  to.requestDuration.record(measures.requestS, labels)
  to.processingDuration.record(measures.processingS, labels)
  record(to.audioDuration, measures.audioS, labels)
  record(to.rtf, measures.rtf, labels)
  record(to.timeToFirstAudio, measures.timeToFirstAudioS, labels)
  to.characters.add(measures.characters, model)
  if (measures.costUsd !== undefined) to.cost.add(measures.costUsd, model)
  if (measures.billedWithoutAudioTokens > 0) to.billedWithoutAudio.add(measures.billedWithoutAudioTokens, model)
}

function record(histogram: Histogram, value: number | undefined, labels: Attributes): void {
  if (value !== undefined) histogram.record(value, labels)
}

function modelLabel(model: string | undefined): Attributes {
  if (model === undefined) return {}
  return { [TTS_MODEL]: MODEL_NAME.test(model) ? model : 'other' }
}

function voiceOf(voice: string | undefined): Attributes {
  return voice === undefined ? {} : { [TTS_VOICE]: voiceLabel(voice) }
}

function createInstrumentsOnce(): () => Instruments {
  let provider: MeterProvider | undefined
  let current: Instruments | undefined
  return function currentInstruments() {
    const registered = metrics.getMeterProvider()
    if (current === undefined || provider !== registered) {
      provider = registered
      current = createInstruments(registered)
    }
    return current
  }
}

function createInstruments(provider: MeterProvider) {
  const meter = provider.getMeter(SCOPE)
  const seconds = (name: string, description: string, buckets: number[]): Histogram =>
    meter.createHistogram(name, { unit: 's', description, advice: { explicitBucketBoundaries: buckets } })
  const counter = (name: string, unit: string, description: string): Counter => meter.createCounter(name, { unit, description })
  return {
    requests: counter(METRIC_TTS_REQUESTS, '{request}', 'Speech requests by outcome'),
    requestDuration: seconds(METRIC_TTS_REQUEST_DURATION, 'Speech requests from arrival to end', DURATION_S),
    processingDuration: seconds(METRIC_TTS_PROCESSING_DURATION, 'Speech requests without their time in the queue', DURATION_S),
    audioDuration: seconds(METRIC_TTS_AUDIO_DURATION, 'Playing time of the speech made', AUDIO_S),
    rtf: meter.createHistogram(METRIC_TTS_RTF, {
      unit: '1',
      description: 'Processing time divided by playing time; below 1 is faster than it plays',
      advice: { explicitBucketBoundaries: RTF },
    }),
    timeToFirstAudio: seconds(METRIC_TTS_TIME_TO_FIRST_AUDIO, 'From the start of processing to the first audio', FIRST_AUDIO_S),
    characters: counter(METRIC_TTS_CHARACTERS, '{character}', 'Characters of the texts to speak'),
    cost: counter(METRIC_TTS_COST, '{USD}', 'What the provider will bill, estimated from list prices'),
    billedWithoutAudio: counter(METRIC_TTS_BILLED_WITHOUT_AUDIO, '{token}', 'Output tokens billed although no audio came'),
  }
}
