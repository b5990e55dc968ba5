import type { AudioFacts } from './audio.ts'
import { hasSound } from './audio.ts'
import type { TtsCallFacts } from './outcome.ts'
import { estimateCost } from './pricing.ts'

/** What the calls of one speech request come to. */
export type Totals = {
  readonly last: TtsCallFacts | undefined
  readonly attempts: number
  /** Of the calls that went well; where none did, of the last. A failed attempt's audio was not played. */
  readonly audio: AudioFacts | undefined
  /** Of all calls, failed ones included; undefined while no call's price is known. */
  readonly costUsd: number | undefined
  readonly billedWithoutAudioTokens: number
}

/** Adds up calls as they end, without keeping them: a request of a thousand retries stays small. */
export function createTally(requestedModel: string | undefined, now: () => Date): { add(call: TtsCallFacts): void; totals(): Totals } {
  let last: TtsCallFacts | undefined
  let attempts = 0
  let goodAudio: AudioFacts | undefined
  let costUsd: number | undefined
  let billedWithoutAudioTokens = 0

  return {
    add(call) {
      last = call
      attempts += call.attempts ?? 1
      if (call.outcome === 'ok' && call.audio) goodAudio = goodAudio ? append(goodAudio, call.audio) : call.audio
      if (!hasSound(call.audio)) billedWithoutAudioTokens += call.audioTokens ?? 0
      const usd = costOf(call, requestedModel, now())
      if (usd !== undefined) costUsd = (costUsd ?? 0) + usd
    },
    totals: () => ({ last, attempts, audio: goodAudio ?? last?.audio, costUsd, billedWithoutAudioTokens }),
  }
}

function costOf(call: TtsCallFacts, requestedModel: string | undefined, at: Date): number | undefined {
  const model = call.model ?? requestedModel
  if (model === undefined || call.audioTokens === undefined) return undefined
  return estimateCost({ model, inputTokens: call.inputTokens ?? 0, audioTokens: call.audioTokens, at })?.usd
}

/** Chunks of one text, each from its own call; they share their format. */
function append(first: AudioFacts, second: AudioFacts): AudioFacts {
  const bytes = first.bytes + second.bytes
  if (first.durationS === undefined || second.durationS === undefined) return { ...first, bytes }
  return { ...first, bytes, durationS: first.durationS + second.durationS }
}
