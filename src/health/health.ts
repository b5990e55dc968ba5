import { AsyncLocalStorage } from 'node:async_hooks'
import { context, diag, ROOT_CONTEXT } from '@opentelemetry/api'
import { processConfig } from '../config.ts'
import { TIMER_MS_MAX } from '../config-values.ts'
import { suppress } from '../instrument/suppress.ts'
import type { HealthCheck } from './check.ts'
import { createHealthMetrics } from './metrics.ts'
import { createNews } from './news.ts'
import { type HealthReport, isServing, overallStatus } from './report.ts'
import { createService, type Service } from './service.ts'

export type HealthOptions<Name extends string = string> = {
  /** By the name that the report gives the service. */
  readonly checks: Readonly<Record<Name, HealthCheck>>
  /** Services without which no request can be served; others only make the whole `degraded`. Default: all. */
  readonly critical?: readonly NoInfer<Name>[]
  /** Between two runs of all checks, in ms. Default: `HEALTH_CHECK_INTERVAL`. */
  readonly intervalMs?: number
  /** Longest time of one check, in ms. Default 2,000. */
  readonly timeoutMs?: number
}

/** An answer to an orchestrator or a balancer: an HTTP status and a JSON body. */
export type ProbeAnswer = { readonly status: number; readonly body: Readonly<Record<string, unknown>> }

/** What is known of the services that the app depends on. Nothing here throws or rejects. */
export type Health = {
  /** The last results. Waits for the checks only where there is no result yet, or a stale one: no longer than `timeoutMs`. */
  check(): Promise<HealthReport>
  /** What to answer at `/livez`, `/readyz` and `/health`; undefined for any other path. */
  answer(path: string): Promise<ProbeAnswer | undefined>
  /** From now on the app is not ready: to be called first when it is to end. */
  shuttingDown(): void
  /** Ends the timer and the checks under way; the last results become `unknown` with age. */
  stop(): void
}

const TIMEOUT_MS = 2_000
/** Runs that may be missed before the last result says nothing about now: after a stop of the process or a timer that is late. */
const RUNS_MISSED_MAX = 3

/**
 * Checks what the app depends on: at once, every `intervalMs`, and in parallel. The timer does not keep the process alive; no signal
 * handler is installed. Checks run outside of any request, are not traced, and one is never started while the app waits for the same one.
 *
 * @throws RangeError for an option that cannot work.
 */
export function createHealth<Name extends string>(options: HealthOptions<Name>): Health {
  const { checks, critical, intervalMs, timeoutMs } = toSettings(options)
  const stopping = new AbortController()
  const ageMsMax = RUNS_MISSED_MAX * (intervalMs + timeoutMs)
  const services = Object.entries<HealthCheck>(checks).map(([name, check]) =>
    createService({ name, check, timeoutMs, ageMsMax, stopping: stopping.signal }),
  )
  const metrics = createHealthMetrics(services)
  const news = createNews()
  // Of a check that a request starts, nothing is to be counted as a part of that request.
  const outside = AsyncLocalStorage.snapshot()
  let running: Promise<void> | undefined
  let isShuttingDown = false

  function run(): Promise<void> {
    running ??= outside(examineAll)
      // Only a meter provider of somebody else can fail here; the app must not end for it.
      .catch((error: unknown) => diag.error('tts-otel: the health checks could not be reported', error))
      .finally(() => {
        running = undefined
      })
    return running
  }

  async function examineAll(): Promise<void> {
    if (stopping.signal.aborted) return
    metrics.follow()
    await Promise.all(services.map(examineOne))
  }

  async function examineOne(service: Service): Promise<void> {
    const examination = await context.with(UNTRACED, service.examine)
    if (stopping.signal.aborted) return
    metrics.record(service.name, examination)
    news.tell(service.name, examination)
  }

  function report(): HealthReport {
    const found = Object.fromEntries(services.map((service) => [service.name, service.health()]))
    return { status: overallStatus(found, (name) => critical.has(name)), timestamp: new Date().toISOString(), services: found }
  }

  async function check(): Promise<HealthReport> {
    if (!services.every((service) => service.isCurrent())) await run()
    return report()
  }

  /** Never waits: a probe has a limit of its own, and what is not known yet is not ready. */
  function readiness(): ProbeAnswer {
    if (isShuttingDown) return unavailable('shutting down')
    const missing = services.filter(({ name, health }) => critical.has(name) && health().status !== 'healthy')
    if (missing.length === 0) return { status: 200, body: { status: 'ok' } }
    return unavailable(missing.map(({ name, health }) => `${name} is ${health().status}`).join(', '))
  }

  async function answer(path: string): Promise<ProbeAnswer | undefined> {
    if (path === '/livez') return { status: 200, body: { status: 'ok' } }
    if (path === '/readyz') return readiness()
    if (path !== '/health') return undefined
    const body = await check()
    return { status: isServing(body.status) ? 200 : 503, body }
  }

  const timer = setInterval(run, intervalMs).unref()
  void run()
  return {
    check,
    answer,
    shuttingDown() {
      isShuttingDown = true
    },
    stop() {
      clearInterval(timer)
      stopping.abort(new Error('the health checks were stopped'))
      metrics.stop()
    },
  }
}

const UNTRACED = suppress(ROOT_CONTEXT)

function unavailable(reason: string): ProbeAnswer {
  return { status: 503, body: { status: 'unavailable', reason } }
}

function toSettings<Name extends string>(options: HealthOptions<Name>) {
  const { checks, intervalMs = processConfig().config.healthIntervalMs, timeoutMs = TIMEOUT_MS } = options
  const names = Object.keys(checks)
  const critical = new Set<string>(options.critical ?? names)
  for (const name of critical)
    if (!names.includes(name)) throw new RangeError(`createHealth: critical names "${name}", but there is no such check`)
  for (const [name, ms] of Object.entries({ intervalMs, timeoutMs }))
    if (!(ms > 0 && ms <= TIMER_MS_MAX)) throw new RangeError(`createHealth: ${name} is ${ms}; give a number of ms above 0 and below 2^31`)
  return { checks, critical, intervalMs, timeoutMs }
}
