import { HTTP_DURATION_BUCKETS_S } from '../instrument/http-semconv.ts'
import { shared } from '../shared.ts'
import { createBuckets } from './buckets.ts'

/** What a finished speech request adds. */
type Speech = {
  readonly processingS: number
  readonly audioS: number | undefined
  readonly characters: number
  readonly costUsd: number | undefined
}

/**
 * What this process has served since it started, beside the instruments and fed where they are: they cannot be read, and do nothing before
 * a provider is registered. Some sums and one set of buckets, whatever is served.
 */
export const account = shared('account', createAccount)

function createAccount() {
  const requests = createBuckets(HTTP_DURATION_BUCKETS_S)
  const processing = { count: 0, sumS: 0 }
  const speech = { audioS: 0, characters: 0, costUsd: 0 }
  let failedRequests = 0
  let authFailures = 0

  function addProcessing(seconds: number): void {
    processing.count += 1
    processing.sumS += seconds
  }

  return {
    /** One that the server answered, or recordRequest told of. */
    request(durationS: number, hasFailed: boolean): void {
      requests.add(durationS)
      if (hasFailed) failedRequests += 1
    },
    /** In seconds. */
    processing: addProcessing,
    speech({ processingS, audioS = 0, characters, costUsd = 0 }: Speech): void {
      addProcessing(processingS)
      speech.audioS += audioS
      speech.characters += characters
      speech.costUsd += costUsd
    },
    authFailure(): void {
      authFailures += 1
    },
    read: () => ({ requests, failedRequests, processing, authFailures, ...speech }),
  }
}
