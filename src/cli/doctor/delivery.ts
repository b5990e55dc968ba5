import type { Config } from '../../config.ts'
import { advise } from '../../delivery/answer.ts'
import { createPost } from '../../delivery/post.ts'
import { uuidv7 } from '../../log/uuid.ts'
import { explainTls } from '../../tls-failure.ts'
import type { Outcome } from '../../wire/outcome.ts'
import type { Signal } from '../../wire/signal.ts'
import { checkArrival, findCollector } from './arrival.ts'
import type { Deadline } from './deadline.ts'
import { type Code, type Finding, ok, problem, skipped } from './findings.ts'
import { type Delivered, deliverSynthetic } from './synthetic.ts'

export type DeliveryOptions = {
  readonly config: Config
  /** Those with a collector that can be reached. */
  readonly signals: readonly Signal[]
  readonly deadline: Deadline
}

/** Asks the collector with an empty request, sends what can be told apart, and looks for it in the store. */
export async function checkDelivery({ config, signals, deadline }: DeliveryOptions): Promise<readonly Finding[]> {
  if (signals.length === 0) return []
  const [answers, collector] = await Promise.all([
    Promise.all(signals.map(async (signal) => ({ signal, answer: await knock(signal, config, deadline) }))),
    findCollector(config, signals, deadline),
  ])
  const taken = answers.filter(({ answer }) => answer.kind === 'ok').map(({ signal }) => signal)
  const refused = answers.flatMap(({ signal, answer }) => (answer.kind === 'refused' ? [{ signal, ...answer }] : []))
  const requestId = uuidv7()
  const deliveries = await Promise.all(
    taken.map(async (signal) => {
      const delivered = await deliverSynthetic({ signal, config, requestId, timeoutMs: deadline.stepMs() })
      return { signal, delivered, arrival: await checkArrival({ signal, delivered, requestId, collector, deadline }) }
    }),
  )
  return [
    ...merge(refused.map(({ signal, code, reason }) => ({ signal, code, reason }))),
    ...(taken.length > 0 ? [ok('auth', `${join(taken)}: let in`), ok('answer', `${join(taken)}: an empty request is answered`)] : []),
    ...describe(deliveries),
    ...(refused.length > 0 ? [skipped('delivery', `${join(refused.map(({ signal }) => signal))}: not tried after this answer`)] : []),
    ...collector.findings,
    ...deliveries.flatMap(({ arrival }) => arrival),
  ]
}

type Knock = { readonly kind: 'ok' } | { readonly kind: 'refused'; readonly code: Code; readonly reason: string }

/** The post gives up first, because it says better what happened. */
const OWN_WORDS_MS = 100

/** A request with nothing in it, by the same code that delivers: a receiver that cannot read that (400) may still read a full one. */
async function knock(signal: Signal, config: Config, deadline: Deadline): Promise<Knock> {
  const { url, headers, compression, tls, encoding } = config.signals[signal]
  const timeoutMs = Math.max(1, deadline.stepMs() - OWN_WORDS_MS)
  const bytes = encoding === 'json' ? new TextEncoder().encode('{}') : new Uint8Array(0)
  const post = createPost({ url, headers, compression, tls, timeoutMs, proxy: config.proxy })
  // The post does not keep the process alive by itself.
  const outcome = await deadline.within(url, post({ signal, encoding, bytes, items: 0 }, new AbortController().signal)).catch(toRetry)
  if (outcome.kind === 'ok' || (outcome.kind === 'drop' && outcome.reason === 'poison')) return { kind: 'ok' }
  const { message } = outcome.error
  const status = Number(/ answered (\d{3})\b/.exec(message)?.[1])
  const advice = advise(status)
  return {
    kind: 'refused',
    code: codeOf(status, outcome.error),
    reason: advice !== '' && message.endsWith(advice) ? message.slice(0, -advice.length) : message,
  }
}

/** That a client certificate is wanted comes with the first answer, after the handshake. */
function codeOf(status: number, { cause }: Error): Code {
  if (explainTls(cause) !== undefined) return 'tls'
  return status === 401 || status === 403 ? 'auth' : 'answer'
}

function toRetry(error: Error): Outcome {
  return { kind: 'retry', error }
}

type Refusal = { readonly signal: Signal; readonly code: Code; readonly reason: string }

/** Three signals usually fail in one way: that is one finding. */
function merge(refusals: readonly Refusal[]): readonly Finding[] {
  const groups = Map.groupBy(refusals, ({ signal, code, reason }) => `${code} ${reason.replaceAll(signal, '')}`)
  return [...groups.values()].map((group) => problem(group[0]!.code, `${join(group.map(({ signal }) => signal))}: ${group[0]!.reason}`))
}

type Delivery = { readonly signal: Signal; readonly delivered: Delivered }

function describe(deliveries: readonly Delivery[]): readonly Finding[] {
  const times = deliveries.flatMap(({ signal, delivered }) =>
    delivered.kind === 'delivered' ? [`${ITEM[signal]} in ${delivered.ms} ms`] : [],
  )
  const failed = deliveries.flatMap(({ signal, delivered }) =>
    delivered.kind === 'failed' ? [problem('delivery', `${signal}: ${delivered.reason}`)] : [],
  )
  return [...failed, ...(times.length > 0 ? [ok('delivery', `acknowledged: ${times.join(', ')}`)] : [])]
}

const ITEM: Readonly<Record<Signal, string>> = { traces: 'span', metrics: 'metric point', logs: 'log record' }

function join(signals: readonly Signal[]): string {
  return signals.join(', ')
}
