import type { Config } from './config.ts'
import { createConsoleExporter } from './console-exporter.ts'
import { createDisk, type Disk } from './delivery/disk.ts'
import { sayLosses } from './delivery/farewell.ts'
import { createPipeline, type Delivery, type Pipeline } from './delivery/pipeline.ts'
import type { PostOptions } from './delivery/post.ts'
import type { Stats } from './delivery/stats.ts'
import { writeToConsole } from './log/console.ts'
import { isSecretName } from './log/redact/secret-name.ts'
import { createEncoder } from './wire/encode.ts'
import type { ItemOf } from './wire/item.ts'
import type { Send } from './wire/outcome.ts'
import { type Chunk, SIGNALS, type Signal } from './wire/signal.ts'

export type DeliveriesOptions = {
  readonly config: Config
  readonly stats: Stats
  readonly warn: (message: string) => void
}

/** Where the three signals go; undefined for `none`. */
export type Deliveries = {
  readonly pipelines: { readonly [S in Signal]: Pipeline<ItemOf[S]> | undefined }
  /** True when all that was made, and all that waited on disk, was acknowledged in time. */
  readonly forceFlush: (timeoutMs: number) => Promise<boolean>
  /** The last `forceFlush`: a collector that is away is not waited for. What comes after it is left to `drainSync`. */
  readonly finish: (timeoutMs: number) => Promise<boolean>
  /** As `finish`, and the end. */
  readonly shutdown: (timeoutMs: number) => Promise<boolean>
  readonly drainSync: () => readonly Chunk[]
  readonly acknowledge: (chunks: readonly Chunk[]) => void
  readonly closeSync: () => void
  readonly hasFailed: () => boolean
}

/** The ways out of the process: a pipeline for each signal, and one disk behind them all. */
export function createDeliveries({ config, stats, warn }: DeliveriesOptions): Deliveries {
  const toCollector: { [S in Signal]?: Delivery<ItemOf[S]> } = {}
  const all = () => Object.values(toCollector)
  const targetOf = ({ signal }: Chunk) => toCollector[signal]
  const disk = needsDisk(config)
    ? createDisk({ settings: { ...config.spool, destination: () => nameDestination(config) }, warn, targetOf })
    : undefined
  let isClosed = false

  function createOutlet<S extends Signal>(signal: S): Pipeline<ItemOf[S]> | undefined {
    const outlets: Pipeline<ItemOf[S]>[] = []
    const { exporters } = config.signals[signal]
    if (exporters.includes('console')) outlets.push(createConsoleExporter(signal, writeToConsole))
    if (exporters.includes('otlp')) {
      const delivery = createCollectorPipeline({ signal, config, stats, warn, disk })
      Object.assign(toCollector, { [signal]: delivery })
      outlets.push(delivery)
    }
    return outlets.length < 2 ? outlets[0] : joinPipelines(outlets)
  }

  const pipelines = { traces: createOutlet('traces'), metrics: createOutlet('metrics'), logs: createOutlet('logs') }

  async function forceFlush(timeoutMs: number): Promise<boolean> {
    const endMs = performance.now() + timeoutMs
    const delivered = await Promise.all(all().map((delivery) => delivery.forceFlush(timeoutMs)))
    const leftMs = Math.max(1, endMs - performance.now())
    const isDiskEmpty = disk === undefined || (await disk.flush(leftMs))
    return delivered.every(Boolean) && isDiskEmpty
  }

  async function finish(timeoutMs: number): Promise<boolean> {
    for (const delivery of all()) delivery.hurry(timeoutMs)
    const delivered = await forceFlush(timeoutMs)
    // A name that is still being looked up holds the process open: a new request would begin to wait for the next one.
    disk?.replay.stop()
    return delivered
  }

  async function shutdown(timeoutMs: number): Promise<boolean> {
    const delivered = await finish(timeoutMs)
    drainSync()
    closeSync()
    return delivered
  }

  function drainSync(): readonly Chunk[] {
    return isClosed ? [] : all().flatMap((delivery) => delivery.drainSync())
  }

  function closeSync(): void {
    if (isClosed) return
    isClosed = true
    for (const delivery of all()) delivery.conclude()
    disk?.closeSync()
    sayLosses(stats.snapshot(), warn)
  }

  return {
    pipelines,
    forceFlush,
    finish,
    shutdown,
    drainSync,
    closeSync,
    acknowledge(chunks) {
      for (const delivery of all()) delivery.acknowledge(chunks)
    },
    hasFailed: () => all().some((delivery) => delivery.hasFailed()),
  }
}

type CollectorOptions<S extends Signal> = DeliveriesOptions & { readonly signal: S; readonly disk: Disk | undefined }

function createCollectorPipeline<S extends Signal>({ signal, config, stats, warn, disk }: CollectorOptions<S>): Delivery<ItemOf[S]> {
  const { exporters: _, queue, encoding, ...connection } = config.signals[signal]
  return createPipeline({
    signal,
    encoder: createEncoder(signal, encoding),
    send: postLater({ ...connection, proxy: config.proxy }),
    limits: queue,
    stats,
    warn,
    ...(disk && { shelf: disk.shelf, onFailure: disk.replay.postpone, onTaken: disk.replay.hasten }),
  })
}

/** TLS and zlib take longer to load than all the rest: they come with the first request. */
function postLater(options: PostOptions): Send<Chunk> {
  let loading: Promise<Send<Chunk>> | undefined
  return async (chunk, signal) => {
    try {
      loading ??= import('./delivery/post.ts').then(({ createPost }) => createPost(options))
      return await (await loading)(chunk, signal)
    } catch (error) {
      return { kind: 'drop', reason: 'refused', error: error instanceof Error ? error : new Error(String(error)) }
    }
  }
}

function joinPipelines<T>(pipelines: readonly Pipeline<T>[]): Pipeline<T> {
  const all = async (results: readonly Promise<boolean>[]) => (await Promise.all(results)).every(Boolean)
  return {
    push: (item) => {
      for (const pipeline of pipelines) pipeline.push(item)
    },
    broken: (error) => {
      for (const pipeline of pipelines) pipeline.broken(error)
    },
    forceFlush: (timeoutMs) => all(pipelines.map((pipeline) => pipeline.forceFlush(timeoutMs))),
    shutdown: (timeoutMs) => all(pipelines.map((pipeline) => pipeline.shutdown(timeoutMs))),
  }
}

function sendsToCollector({ signals }: Config, signal: Signal): boolean {
  return signals[signal].exporters.includes('otlp')
}

function needsDisk(config: Config): boolean {
  return config.spool.bytesMax > 0 && SIGNALS.some((signal) => sendsToCollector(config, signal))
}

/**
 * A destination is the addresses, and the headers that name a tenant. Credentials are no part of it: after a repaired token, the next start
 * delivers what the wrong one could not.
 */
function nameDestination(config: Config): string {
  const destination = SIGNALS.filter((signal) => sendsToCollector(config, signal)).map((signal) => {
    const { url, headers } = config.signals[signal]
    const { origin, pathname } = new URL(url)
    const named = Object.entries(headers).filter(([name]) => !isSecretName(name))
    return [signal, origin + pathname, named.sort()]
  })
  return JSON.stringify(destination)
}
