import type { Link } from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type ReadableSpan,
  type Sampler,
  SamplingDecision,
  type Span,
  type SpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import type { Config } from './config.ts'
import type { Pipeline } from './delivery/pipeline.ts'
import type { Counters } from './delivery/stats.ts'
import type { Redactor } from './log/redact.ts'
import type { OpenSpans } from './open-spans.ts'
import { redactTraceState } from './propagation.ts'
import { currentRequest } from './request-context.ts'
import { ID_GENERATOR } from './span-ids.ts'
import { REQUEST_ID, USER_ID } from './tts/semconv.ts'

export type TracesOptions = {
  readonly config: Config
  readonly resource: Resource
  readonly redactor: Redactor
  /** Undefined: spans are made, so that contexts still travel, and go nowhere. */
  readonly pipeline: Pipeline<ReadableSpan> | undefined
  readonly counters: Pick<Counters, 'sampledOut'>
  readonly openSpans: OpenSpans
  /** Called with each ended span before it is redacted; may take events away from it. */
  readonly takeExceptions: ((span: ReadableSpan) => void) | undefined
}

/** The tracer provider: our sampler, limits and the one processor, nothing left to the SDK's defaults. */
export function createTraces(options: TracesOptions): TracerProvider {
  const { config, resource, pipeline, counters } = options
  return new TracerProvider({
    resource,
    sampler: countSampledOut(createSampler(config.sampler), counters),
    spanLimits: config.spanLimits,
    idGenerator: ID_GENERATOR,
    spanProcessors: pipeline === undefined ? [] : [createProcessor({ ...options, pipeline })],
  })
}

function createSampler({ name, ratio }: Config['sampler']): Sampler {
  const root = name.endsWith('always_on')
    ? new AlwaysOnSampler()
    : name.endsWith('always_off')
      ? new AlwaysOffSampler()
      : new TraceIdRatioBasedSampler(ratio)
  return name.startsWith('parentbased_') ? new ParentBasedSampler({ root }) : root
}

/** The processor never hears of a span that is not recorded, so the sampler counts it. */
function countSampledOut(sampler: Sampler, counters: TracesOptions['counters']): Sampler {
  return {
    shouldSample(context, traceId, spanName, spanKind, attributes, links) {
      const result = sampler.shouldSample(context, traceId, spanName, spanKind, attributes, links)
      if (result.decision === SamplingDecision.NOT_RECORD) counters.sampledOut++
      return result
    },
    toString: () => sampler.toString(),
  }
}

type ProcessorOptions = TracesOptions & { readonly pipeline: Pipeline<ReadableSpan> }

/** How long `forceFlush()` of the standard interfaces, which name no time, may wait. The SDK's own default. */
const FLUSH_TIMEOUT_MS = 30_000

function createProcessor({ redactor, pipeline, openSpans, takeExceptions }: ProcessorOptions): SpanProcessor {
  return {
    onStart(span) {
      openSpans.started(span)
      nameRequest(span)
    },
    onEnd(span) {
      openSpans.ended(span)
      try {
        nameLateUser(span)
        takeExceptions?.(span)
        redactSpan(span, redactor)
      } catch (error) {
        return pipeline.broken(error) // `end()` is called by the app
      }
      pipeline.push(span)
    },
    forceFlush: async () => void (await pipeline.forceFlush(FLUSH_TIMEOUT_MS)),
    shutdown: async () => void (await pipeline.shutdown(FLUSH_TIMEOUT_MS)),
  }
}

/** Written straight into the span's own record: two ids must not be lost to the attribute limit, and it is a third of the time. */
function nameRequest({ attributes }: Span): void {
  const request = currentRequest()
  if (request === undefined) return
  attributes[REQUEST_ID] ??= request.requestId
  if (request.userId !== undefined) attributes[USER_ID] ??= request.userId
}

/** The user is often known only after authentication, when the server's span has long started. */
function nameLateUser({ attributes }: ReadableSpan): void {
  if (attributes[USER_ID] !== undefined) return
  const request = currentRequest()
  if (request?.userId !== undefined && request.requestId === attributes[REQUEST_ID]) attributes[USER_ID] = request.userId
}

/**
 * Takes secrets out of all that a span carries. Works on the ended span itself, whose records are the SDK's own copies: nothing is
 * allocated when nothing is found, and what is found is gone for whoever still holds the span. Names of any type become texts here,
 * because plain JavaScript can pass anything.
 */
function redactSpan(span: ReadableSpan, redactor: Redactor): void {
  const name = redactor.text(String(span.name))
  const attributes = redactor.attributes(span.attributes)
  if (name !== span.name || attributes !== span.attributes) Object.assign(span, { name, attributes })
  if (span.status.message !== undefined) span.status.message = redactor.text(span.status.message)
  for (const event of span.events) {
    event.name = redactor.text(String(event.name))
    if (event.attributes) event.attributes = redactor.attributes(event.attributes)
  }
  for (const link of span.links) redactLink(link, redactor)
}

/** The link is the SDK's own, its context the app's. */
function redactLink(link: Link, redactor: Redactor): void {
  if (link.attributes) link.attributes = redactor.attributes(link.attributes)
  const { traceState } = link.context
  if (traceState === undefined) return
  const clean = redactTraceState(traceState, redactor)
  if (clean !== traceState) link.context = { ...link.context, traceState: clean }
}
