import type { AudioFacts, SoundFacts } from './audio.ts'

/** The facts of two pieces of audio played one after the other, such as the chunks of one text, each from its own call. What one of them does not tell is not known of both. */
export function addFacts(first: AudioFacts, second: AudioFacts): AudioFacts {
  const { durationS: _, missingS: __, sound: ___, ...rest } = first
  const missingS = (first.missingS ?? 0) + (second.missingS ?? 0)
  const sound = addSound(first, second)
  return {
    ...rest,
    bytes: first.bytes + second.bytes,
    ...(first.durationS === undefined || second.durationS === undefined ? {} : { durationS: first.durationS + second.durationS }),
    ...(missingS > 0 ? { missingS } : {}),
    ...(sound ? { sound } : {}),
  }
}

function addSound(first: AudioFacts, second: AudioFacts): SoundFacts | undefined {
  if (!first.sound || !second.sound || !first.durationS || !second.durationS) return undefined
  const [a, b] = [first.sound, second.sound]
  const share = first.durationS / (first.durationS + second.durationS)
  const peak = Math.max(amplitude(a.peakDbfs), amplitude(b.peakDbfs))
  const rms = Math.sqrt(share * amplitude(a.rmsDbfs) ** 2 + (1 - share) * amplitude(b.rmsDbfs) ** 2)
  return {
    isSilent: a.isSilent && b.isSilent,
    leadingSilenceS: a.isSilent ? first.durationS + b.leadingSilenceS : a.leadingSilenceS,
    trailingSilenceS: b.isSilent ? second.durationS + a.trailingSilenceS : b.trailingSilenceS,
    ...(peak > 0 ? { peakDbfs: decibels(peak), rmsDbfs: decibels(rms) } : {}),
    clippedShare: share * a.clippedShare + (1 - share) * b.clippedShare,
    isSampled: a.isSampled || b.isSampled,
  }
}

function amplitude(dbfs: number | undefined): number {
  return dbfs === undefined ? 0 : 10 ** (dbfs / 20)
}

function decibels(value: number): number {
  return Math.round(2_000 * Math.log10(value)) / 100
}
