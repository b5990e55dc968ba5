import { type AudioFacts, createAudioMeter } from './audio.ts'

/** How audio that came in pieces sounded to a listener who plays it from the first piece on, with nothing put by. Times on the clock of {@link performance.now}. */
export type PlaybackFacts = {
  readonly pieces: number
  /** When the first of them came. */
  readonly firstMs: number
  /** How often the buffer ran empty: a piece came later than all those before it had been played. */
  readonly stalls: number
  /** How long it was empty, all together. */
  readonly stalledS: number
  /** When something could first be heard; undefined before that, and where nothing is analysed. */
  readonly firstAudibleMs?: number
}

/** Measures audio as it arrives, and plays it in thought. Keeps numbers, never the audio; nothing of it throws. */
export type Playback = {
  /** A piece that came at `arrivedMs`; a string is base64 of its own. */
  add(piece: string | Uint8Array, arrivedMs: number): void
  /** The audio so far; undefined while nothing came, or when it is no audio. */
  audio(): AudioFacts | undefined
  /** Undefined where the format does not tell how long a piece plays. */
  facts(): PlaybackFacts | undefined
}

export type PlaybackOptions = {
  /** Whether the audio is listened to, too. Default false. */
  readonly analyse?: boolean | undefined
}

/** A pause that short is lost in the sound, and a player that has met one holds back as much from then on. */
const STALL_MS_MIN = 20

/**
 * Plays audio of type `mimeType`. A stall shifts all that follows it, so that one late piece counts once:
 *
 *     arrives   1     2           3     4
 *     plays     [ 1 ][ 2 ]·······[ 3 ][ 4 ]
 *                         stall
 */
export function createPlayback(mimeType: string, { analyse = false }: PlaybackOptions = {}): Playback {
  const meter = createAudioMeter(mimeType, { analyse })
  let pieces = 0
  let stalls = 0
  let stalledMs = 0
  let firstMs: number | undefined
  let playedS = 0
  /** When all that has come will have been played. */
  let emptyAtMs: number | undefined
  let firstAudibleMs: number | undefined

  function play(arrivedMs: number, lengthS: number): void {
    const lateMs = emptyAtMs === undefined ? 0 : arrivedMs - emptyAtMs
    const startMs = Math.max(arrivedMs, emptyAtMs ?? arrivedMs)
    if (lateMs >= STALL_MS_MIN) {
      stalls += 1
      stalledMs += lateMs
    }
    const audibleS = firstAudibleMs === undefined ? meter.firstAudibleS() : undefined
    if (audibleS !== undefined) firstAudibleMs = startMs + (audibleS - playedS) * 1_000
    emptyAtMs = startMs + (lengthS - playedS) * 1_000
    playedS = lengthS
  }

  return {
    add(piece, arrivedMs) {
      meter.add(piece)
      const lengthS = meter.durationS()
      // The header of a file is nothing to play.
      if (lengthS <= playedS) return
      pieces += 1
      firstMs ??= arrivedMs
      play(arrivedMs, lengthS)
    },
    audio: () => meter.facts(),
    facts() {
      if (firstMs === undefined) return undefined
      return { pieces, firstMs, stalls, stalledS: stalledMs / 1_000, ...(firstAudibleMs === undefined ? {} : { firstAudibleMs }) }
    },
  }
}

/** Of audio from several calls, each played by itself: nobody knows what the app did between them. */
export function addPlaybacks(first: PlaybackFacts | undefined, second: PlaybackFacts | undefined): PlaybackFacts | undefined {
  if (!first || !second) return first ?? second
  return {
    ...second,
    ...first,
    pieces: first.pieces + second.pieces,
    stalls: first.stalls + second.stalls,
    stalledS: first.stalledS + second.stalledS,
  }
}
