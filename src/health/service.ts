import { CheckTimedOut, type Finding, type HealthCheck, runCheck } from './check.ts'
import { describeFailure, type Failure } from './failure.ts'
import type { ServiceHealth, ServiceStatus } from './report.ts'

/** What one examination found. */
export type Examination = {
  readonly status: ServiceStatus
  readonly durationMs: number
  readonly failure: Failure | undefined
  /** By the wall clock, for people. */
  readonly at: Date
  /** By a clock that only goes forward, for its age. */
  readonly atMs: number
}

/** One thing the app depends on, and what is known of it. */
export type Service = {
  readonly name: string
  /** Runs the check within its limit; never rejects. One at a time: the caller sees to that. */
  examine(): Promise<Examination>
  health(): ServiceHealth
  /** Whether the last examination still counts. */
  isCurrent(): boolean
}

type ServiceOptions = {
  readonly name: string
  readonly check: HealthCheck
  readonly timeoutMs: number
  /** An older examination says nothing about now. */
  readonly ageMsMax: number
  readonly stopping: AbortSignal
}

/**
 * Runs of one check that never ended, although they were told to. Several, so that one lost answer does not decide for ever;
 * few, because each holds what it waits for.
 */
const LEFT_BEHIND_MAX = 5

/** Examines a service and remembers the last result. */
export function createService({ name, check, timeoutMs, ageMsMax, stopping }: ServiceOptions): Service {
  const createdAt = new Date()
  let last: Examination | undefined
  let underWay = 0

  async function examine(): Promise<Examination> {
    const startMs = performance.now()
    const finding = underWay < LEFT_BEHIND_MAX ? await start() : stuck()
    const atMs = performance.now()
    const examination = { status: finding.status, durationMs: atMs - startMs, failure: toFailure(finding), at: new Date(), atMs }
    // What a check says because it was stopped is not about the service.
    if (!stopping.aborted) last = examination
    return examination
  }

  function start(): Promise<Finding> {
    underWay += 1
    return runCheck(check, {
      timeoutMs,
      stopping,
      onEnd: () => {
        underWay -= 1
      },
    })
  }

  function stuck(): Finding {
    return { status: 'unhealthy', error: new CheckTimedOut(timeoutMs, `; ${underWay} earlier checks have not ended either`) }
  }

  function isCurrent(): boolean {
    return last !== undefined && performance.now() - last.atMs <= ageMsMax
  }

  function health(): ServiceHealth {
    if (last === undefined) return { status: 'unknown', error: 'not checked yet', timestamp: createdAt.toISOString() }
    const known = { response_time: toSeconds(last.durationMs), timestamp: last.at.toISOString() }
    if (isCurrent()) return { status: last.status, ...(last.failure ? { error: last.failure.message } : {}), ...known }
    const ageS = Math.round((performance.now() - last.atMs) / 1_000)
    return { status: 'unknown', error: `not checked for ${ageS} s`, ...known }
  }

  return { name, examine, health, isCurrent }
}

function toFailure(finding: Finding): Failure | undefined {
  if (finding.status === 'healthy') return undefined
  if (finding.status === 'unhealthy') return describeFailure(finding.error)
  const what = finding.answer === null ? 'null' : `a value of type ${typeof finding.answer}`
  return { type: 'unreadable', message: `the check returned ${what}: return nothing when healthy, and throw when not`, error: undefined }
}

/** To the microsecond: a ping on the same machine takes 200 of them. */
function toSeconds(ms: number): number {
  return Math.round(ms * 1_000) / 1_000_000
}
