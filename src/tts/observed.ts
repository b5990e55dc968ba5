import { diag, type Meter, type Observable, type ObservableCallback } from '@opentelemetry/api'
import { createWarner } from '../delivery/warn.ts'
import { followProvider } from './instruments.ts'
import { METRIC_TTS_ACTIVE_CONNECTIONS, METRIC_TTS_QUEUE_LENGTH } from './semconv.ts'

/** Counts something, now or after asking somebody. */
export type ReadNumber = () => number | Promise<number>

/** A number that others know, asked at each collection of the metrics; several sources are added up. */
export type Observed = {
  /** `read` may fail, hang or answer nonsense: then the number is missing, and nothing else happens. @returns stops asking. */
  add(read: ReadNumber): () => void
  /** Reports to the meter provider that is registered now; to be called often, as one may be registered at any time. */
  follow(): void
  /** Null while a source has no answer; 0 where there is no source. One that answers by a promise is asked anew and gives its last answer. */
  latest(): number | null
}

type Source = { readonly refresh: () => Promise<void> | undefined; readonly latest: () => number | undefined }

/** A collection must not wait for a database that hangs. The answer counts when it comes. */
const WAIT_MS_MAX = 1_000
/** An app that adds one with each request has made a mistake, and must not pay for it with its memory. */
const SOURCES_MAX = 64

/** `tts.queue.length`. A gauge: workers that look at one queue tell the same number, which is not to be added up. */
export const queueLength = createObserved(METRIC_TTS_QUEUE_LENGTH, (meter) =>
  meter.createObservableGauge(METRIC_TTS_QUEUE_LENGTH, { unit: '{job}', description: 'Jobs that wait for their turn' }),
)

/** `tts.active_connections`. The middleware is one of its sources. */
export const activeConnections = createObserved(METRIC_TTS_ACTIVE_CONNECTIONS, (meter) =>
  meter.createObservableUpDownCounter(METRIC_TTS_ACTIVE_CONNECTIONS, {
    unit: '{connection}',
    description: 'Connections that are being served: requests whose answer has not ended yet',
  }),
)

/**
 * Makes `tts.queue.length` and `queue_length` of the summary: `read` gives how many jobs wait, at once or as a promise. It is asked at each
 * collection of the metrics; one that throws, rejects or hangs leaves the metric out and is told at most once a minute.
 *
 * @returns stops asking.
 */
export function observeQueueLength(read: ReadNumber): () => void {
  return queueLength.add(read)
}

/** The same for `tts.active_connections`: connections that the middleware does not see, such as WebSockets. They are added to its own. */
export function observeActiveConnections(read: ReadNumber): () => void {
  return activeConnections.add(read)
}

function createObserved(name: string, create: (meter: Meter) => Observable): Observed {
  const warn = createWarner((message) => diag.warn(message), Date.now)
  const failed = (error: unknown) => warn(name, () => `tts-otel: ${name} is missing, because the function that counts it fails: ${error}`)
  const sources = new Set<Source>()
  let detach = () => {}

  const observe: ObservableCallback = async (result) => {
    await Promise.all([...sources].map(waitFor))
    const sum = total(sources)
    if (sum !== null && sources.size > 0) result.observe(sum)
  }

  const follow = followProvider((meter) => {
    detach()
    const instrument = create(meter)
    instrument.addCallback(observe)
    detach = () => instrument.removeCallback(observe)
  })

  return {
    add(read) {
      if (sources.size >= SOURCES_MAX) {
        warn('sources', () => `tts-otel: ${name} has ${SOURCES_MAX} sources and takes no more; add each once, and stop it when it is over.`)
        return () => {}
      }
      const source = createSource(read, failed)
      sources.add(source)
      source.refresh()
      follow()
      return () => void sources.delete(source)
    },
    follow,
    latest() {
      for (const { refresh } of sources) refresh()
      return total(sources)
    },
  }
}

function total(sources: ReadonlySet<Source>): number | null {
  let sum = 0
  for (const { latest } of sources) {
    const value = latest()
    if (value === undefined) return null
    sum += value
  }
  return sum
}

/** Asks nobody who still owes an answer. */
function createSource(read: ReadNumber, failed: (error: unknown) => void): Source {
  let latest: number | undefined
  let pending: Promise<void> | undefined

  function fail(error: unknown): void {
    latest = undefined
    failed(error)
  }

  function take(answer: unknown): void {
    const isCount = typeof answer === 'number' && Number.isFinite(answer) && answer >= 0
    if (isCount) latest = answer
    else fail(new TypeError(`${String(answer)} is no count`))
  }

  async function wait(answer: PromiseLike<number>): Promise<void> {
    try {
      take(await answer)
    } catch (error) {
      fail(error)
    } finally {
      pending = undefined
    }
  }

  return {
    latest: () => latest,
    refresh() {
      if (pending) return pending
      try {
        const answer = read()
        if (typeof answer === 'object') pending = wait(answer)
        else take(answer)
      } catch (error) {
        fail(error)
      }
      return pending
    },
  }
}

async function waitFor({ refresh }: Source): Promise<void> {
  const pending = refresh()
  if (!pending) return
  const { promise: timeout, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, WAIT_MS_MAX)
  await Promise.race([pending, timeout])
  clearTimeout(timer)
}
