/** Times of one speech request, in seconds. */
export type Times = {
  readonly requestS: number
  /** The same without the waiting. */
  readonly processingS: number
  /** Only where it was queued. */
  readonly queueWaitS: number | undefined
  /** From the start of processing. */
  readonly timeToFirstAudioS: number | undefined
  /** The same until something can be heard. */
  readonly timeToFirstAudibleS: number | undefined
}

export type Stopwatch = {
  queued(): void
  started(): void
  /** The first audio has just arrived; only the first time counts. */
  firstAudio(): void
  /** A call that has just ended had its first audio `afterS` its start; without `durationS` it is taken to have begun when processing did. */
  firstAudioOfCall(afterS: number, durationS: number | undefined): void
  /** `firstAudibleMs`: when something could first be heard, on the same clock. */
  times(firstAudibleMs: number | undefined): Times
}

/** Starts to measure now. The clock is monotonic: a step of the wall clock must not make a request last a day. */
export function createStopwatch(nowMs: () => number = () => performance.now()): Stopwatch {
  const beginMs = nowMs()
  let processingMs = beginMs
  let queuedMs: number | undefined
  let queueWaitMs: number | undefined
  let firstAudioMs: number | undefined

  const sinceStart = (ms: number | undefined) => (ms === undefined ? undefined : toSeconds(ms - processingMs))

  return {
    queued() {
      queuedMs = nowMs()
    },
    started() {
      processingMs = nowMs()
      if (queuedMs !== undefined) queueWaitMs = processingMs - queuedMs
    },
    firstAudio() {
      firstAudioMs ??= nowMs()
    },
    firstAudioOfCall(afterS, durationS) {
      const callMs = durationS === undefined ? processingMs : nowMs() - durationS * 1_000
      firstAudioMs ??= callMs + afterS * 1_000
    },
    times(firstAudibleMs) {
      const endMs = nowMs()
      return {
        requestS: toSeconds(endMs - beginMs),
        processingS: toSeconds(endMs - processingMs),
        queueWaitS: queueWaitMs === undefined ? undefined : toSeconds(queueWaitMs),
        timeToFirstAudioS: sinceStart(firstAudioMs),
        timeToFirstAudibleS: sinceStart(firstAudibleMs),
      }
    },
  }
}

/** Microseconds are the finest that a reader can use. */
function toSeconds(ms: number): number {
  return Math.max(0, Math.round(ms * 1_000) / 1e6)
}
