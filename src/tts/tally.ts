import type { AudioFacts } from './audio.ts'
import { hasSound } from './audio.ts'
import { addFacts } from './audio-sum.ts'
import type { TtsCallFacts } from './outcome.ts'
import { addPlaybacks, type PlaybackFacts } from './playback.ts'
import { estimateCost, type UnknownCost } from './pricing.ts'

/** What the calls of one speech request come to. */
export type Totals = {
  readonly last: TtsCallFacts | undefined
  readonly attempts: number
  /** Of the calls that went well; where none did, of the last. A failed attempt's audio was not played. */
  readonly audio: AudioFacts | undefined
  /** Tokens of that audio; undefined where one of its calls did not tell. */
  readonly audioTokens: number | undefined
  /** How that audio came. */
  readonly playback: PlaybackFacts | undefined
  /** Of all calls, failed ones included, whose price is known; undefined while there is none. */
  readonly costUsd: number | undefined
  /** Calls that cost something nobody knows, by reason. */
  readonly unknownCosts: ReadonlyMap<UnknownCost, number>
  readonly billedWithoutAudioTokens: number
}

export type TallyOptions = {
  /** The model asked for, where a call does not tell. */
  readonly model: string | undefined
  /** Of the text, where a call does not tell. */
  readonly characters: number
  readonly now: () => Date
}

type Spoken = Pick<TtsCallFacts, 'audio' | 'audioTokens' | 'playback'>

/** Adds up calls as they end, without keeping them: a request of a thousand retries stays small. */
export function createTally(options: TallyOptions): { add(call: TtsCallFacts): void; totals(): Totals } {
  const unknownCosts = new Map<UnknownCost, number>()
  let last: TtsCallFacts | undefined
  let attempts = 0
  let good: Spoken | undefined
  let costUsd: number | undefined
  let billedWithoutAudioTokens = 0

  function addCost(call: TtsCallFacts): void {
    if (isUnbilled(call)) return
    const { usd, unknown } = costOf(call, options)
    if (unknown) unknownCosts.set(unknown, (unknownCosts.get(unknown) ?? 0) + 1)
    else costUsd = (costUsd ?? 0) + usd
  }

  return {
    add(call) {
      last = call
      attempts += call.attempts ?? 1
      if (call.outcome === 'ok' && call.audio) good = good ? append(good, call) : call
      if (!hasSound(call.audio)) billedWithoutAudioTokens += call.audioTokens ?? 0
      addCost(call)
    },
    totals() {
      const { audio, audioTokens, playback } = good ?? last ?? {}
      return { last, attempts, audio, audioTokens, playback, costUsd, unknownCosts, billedWithoutAudioTokens }
    },
  }
}

/** Gemini bills nothing for what it refuses. A call that timed out may have been answered, unseen. https://ai.google.dev/gemini-api/docs/billing */
function isUnbilled({ outcome, audioTokens, inputTokens, errorType }: TtsCallFacts): boolean {
  return outcome === 'error' && errorType !== 'timeout' && audioTokens === undefined && inputTokens === undefined
}

function costOf(call: TtsCallFacts, options: TallyOptions): ReturnType<typeof estimateCost> {
  const { model = options.model, audio, inputTokens, audioTokens, tier, characters = options.characters } = call
  if (model === undefined) return { unknown: 'model' }
  return estimateCost({ model, inputTokens, audioTokens, characters, audioS: audio?.durationS, tier, at: options.now() })
}

/** Chunks of one text, each from its own call; they share their format. */
function append(first: Spoken, { audio, audioTokens, playback }: TtsCallFacts): Spoken {
  return {
    audio: first.audio && audio ? addFacts(first.audio, audio) : (first.audio ?? audio),
    audioTokens: first.audioTokens === undefined || audioTokens === undefined ? undefined : first.audioTokens + audioTokens,
    playback: addPlaybacks(first.playback, playback),
  }
}
