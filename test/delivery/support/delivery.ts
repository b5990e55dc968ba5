import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { expect } from 'vitest'
import { createPipeline, type Pipeline, type PipelineLimits, type PipelineWaits } from '../../../src/delivery/pipeline.ts'
import { createPost, type PostOptions } from '../../../src/delivery/post.ts'
import { createStats, type SignalHealth } from '../../../src/delivery/stats.ts'
import { createEncoder } from '../../../src/wire/encode.ts'

export type Delivery = Pipeline<ReadableSpan> & {
  readonly warnings: readonly string[]
  /** The counters, after a check that nothing is missing and nothing is counted twice. */
  readonly health: () => SignalHealth
}

/** The delivery of spans as the SDK sets it up, with waits a test can afford. */
export function createDelivery(
  url: string,
  {
    post = {},
    limits = {},
    waits = {},
    encoding = 'protobuf',
    onWarn = () => undefined,
  }: {
    post?: Partial<PostOptions>
    limits?: Partial<PipelineLimits>
    waits?: Partial<PipelineWaits>
    encoding?: 'protobuf' | 'json'
    onWarn?: () => void
  } = {},
): Delivery {
  const stats = createStats()
  const warnings: string[] = []
  const pipeline = createPipeline({
    signal: 'traces',
    encoder: createEncoder('traces', encoding),
    send: createPost({ url: `${url}/v1/traces`, headers: {}, compression: 'none', timeoutMs: 5_000, ...post }),
    limits: { queueItemsMax: 2_048, batchItemsMax: 512, delayMs: 20, ...limits },
    stats,
    warn(message) {
      warnings.push(message)
      onWarn()
    },
    waits: { firstDelayMs: 20, delayMsMax: 100, parkMs: 50, ...waits },
  })

  function health(): SignalHealth {
    const traces = stats.snapshot().traces
    const dropped = Object.values(traces.dropped).reduce((sum, items) => sum + items, 0)
    expect(traces.sent + traces.waiting + traces.handedOver + dropped, 'created + found = sent + waiting + handed over + dropped').toBe(
      traces.created + traces.found,
    )
    return traces
  }

  return { ...pipeline, warnings, health }
}

/** Waits until `condition` holds, looking every few ms, for at most five seconds. */
export async function until(condition: () => boolean): Promise<void> {
  const endMs = performance.now() + 5_000
  while (!condition()) {
    if (performance.now() > endMs) throw new Error('waited for five seconds in vain')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

export const NO_DROPS = {
  queue_full: 0,
  poison: 0,
  too_large: 0,
  refused: 0,
  rejected: 0,
  undelivered: 0,
  encode: 0,
  spool_full: 0,
  expired: 0,
  corrupt: 0,
  io: 0,
}
