import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { expect } from 'vitest'
import { createDisk, type Disk } from '../../../src/delivery/disk.ts'
import { createPipeline, type PipelineLimits, type PipelineWaits, type Delivery as ToCollector } from '../../../src/delivery/pipeline.ts'
import { createPost, type PostOptions } from '../../../src/delivery/post.ts'
import { createStats, type SignalHealth } from '../../../src/delivery/stats.ts'
import { createEncoder } from '../../../src/wire/encode.ts'

export type Delivery = ToCollector<ReadableSpan> & {
  readonly disk: Disk | undefined
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
    spoolDir,
    spoolBytesMax = 1 << 20,
    onWarn = () => undefined,
  }: {
    post?: Partial<PostOptions>
    limits?: Partial<PipelineLimits>
    waits?: Partial<PipelineWaits>
    encoding?: 'protobuf' | 'json'
    /** Without it everything stays in memory. */
    spoolDir?: string
    spoolBytesMax?: number
    onWarn?: () => void
  } = {},
): Delivery {
  const stats = createStats()
  const warnings: string[] = []
  function say(message: string): void {
    warnings.push(message)
    onWarn()
  }
  const disk =
    spoolDir === undefined
      ? undefined
      : createDisk({
          settings: { dirs: [spoolDir], bytesMax: spoolBytesMax, fsync: false, destination: () => 'test' },
          warn: say,
          targetOf: () => pipeline,
          waits: { firstDelayMs: 20, delayMsMax: 100 },
        })
  const pipeline: ToCollector<ReadableSpan> = createPipeline({
    signal: 'traces',
    encoder: createEncoder('traces', encoding),
    send: createPost({ url: `${url}/v1/traces`, headers: {}, compression: 'none', timeoutMs: 5_000, ...post }),
    limits: { queueItemsMax: 2_048, batchItemsMax: 512, delayMs: 20, ...limits },
    stats,
    warn: say,
    ...(disk && { shelf: disk.shelf, onFailure: disk.replay.postpone, onTaken: disk.replay.hasten }),
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

  return { ...pipeline, disk, warnings, health }
}

/** Waits until `condition` holds, looking every few ms, for at most twenty seconds. */
export async function until(condition: () => boolean): Promise<void> {
  const endMs = performance.now() + 20_000
  while (!condition()) {
    if (performance.now() > endMs) throw new Error('waited for twenty seconds in vain')
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
