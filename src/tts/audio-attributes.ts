import type { Attributes } from '@opentelemetry/api'
import type { AudioFacts, SoundFacts } from './audio.ts'
import * as names from './semconv.ts'

/** The audio facts as attributes, for every span that speaks of audio. */
export function audioAttributes(audio: AudioFacts | undefined): Attributes {
  if (!audio) return {}
  return {
    [names.TTS_AUDIO_FORMAT]: audio.format,
    [names.TTS_AUDIO_BYTES]: audio.bytes,
    [names.TTS_AUDIO_DURATION]: audio.durationS,
    [names.TTS_AUDIO_SAMPLE_RATE]: audio.sampleRateHz,
    [names.TTS_AUDIO_CHANNELS]: audio.channels,
    ...(audio.sound ? soundAttributes(audio.sound) : {}),
  }
}

function soundAttributes(sound: SoundFacts): Attributes {
  return {
    [names.TTS_AUDIO_PEAK]: sound.peakDbfs,
    [names.TTS_AUDIO_RMS]: sound.rmsDbfs,
    [names.TTS_AUDIO_CLIPPING]: round(sound.clippedShare),
    [names.TTS_AUDIO_SILENCE_LEADING]: sound.leadingSilenceS,
    [names.TTS_AUDIO_SILENCE_TRAILING]: sound.trailingSilenceS,
    [names.TTS_AUDIO_SAMPLED]: sound.isSampled ? true : undefined,
  }
}

/** Sums of fractions end in noise that no reader wants. */
export function round(value: number): number {
  return Math.round(value * 1e6) / 1e6
}
