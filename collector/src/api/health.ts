import type { AlertDesk, AlertOverview } from '../alert-desk.ts'
import type { Readiness } from '../readiness.ts'
import { type ApiAnswer, json } from './answer.ts'

export type HealthOptions = {
  /** Asks the store; bounded in time, never rejects. */
  readonly readiness: () => Promise<Readiness>
  /** `postgres` or `pglite`. */
  readonly store: string
  /** Asks the store as whom the API reads; undefined where that is no other user or server. Bounded in time, never rejects. */
  readonly readability?: () => Promise<Readiness>
  /** Stores behind a queue: data is taken whatever they do. Bounded in time, never rejects. */
  readonly others?: () => Promise<Readonly<Record<string, OtherStore>>>
  /** undefined: this collector has nothing to do with alerts. */
  readonly alerts?: Pick<AlertDesk, 'overview'> | undefined
  /** ms since 1970. */
  readonly now: () => number
}

/** A store behind a queue, and what waits there for it. */
export type OtherStore = { readonly readiness: Readiness; readonly waiting: number; readonly waitingBytes: number }

/** `GET /livez`: the process answers, so starting it anew would mend nothing. */
export function getLivez(): ApiAnswer {
  return json(200, { status: 'ok' })
}

/** `GET /readyz`: 200 when data sent now is stored, else 503 with the reason. */
export async function getReadyz({ readiness }: HealthOptions): Promise<ApiAnswer> {
  const state = await readiness()
  return json(state.ready ? 200 : 503, state.ready ? { status: 'ok' } : { status: 'unavailable', reason: state.reason })
}

/**
 * `GET /health`: the same for people, with each part. `degraded`, with 200, when only a store behind a queue is away, or nothing can be read.
 * Alerts tell their rank and their problems and change nothing of the status: data is taken all the same.
 */
export async function getHealth({
  readiness,
  readability,
  store,
  others = async () => ({}),
  alerts,
  now,
}: HealthOptions): Promise<ApiAnswer> {
  const [state, reading, behind] = await Promise.all([readiness(), readability?.(), others()])
  const complete = reading?.ready !== false && Object.values(behind).every((other) => other.readiness.ready)
  return json(state.ready ? 200 : 503, {
    status: !state.ready ? 'unhealthy' : complete ? 'healthy' : 'degraded',
    timestamp: new Date(now()).toISOString(),
    checks: {
      store: { kind: store, ...statusOf(state) },
      ...(reading && { reading: statusOf(reading) }),
      ...Object.fromEntries(
        Object.entries(behind).map(([name, other]) => [
          name,
          { ...statusOf(other.readiness), waiting: other.waiting, waiting_bytes: other.waitingBytes },
        ]),
      ),
    },
    ...(alerts && { alerts: alertsOf(alerts.overview()) }),
  })
}

function alertsOf({ rank, checkedAtMs, problems }: AlertOverview) {
  return { rank, checked_at: checkedAtMs === undefined ? null : new Date(checkedAtMs).toISOString(), problems }
}

function statusOf(state: Readiness): { status: string; reason?: string } {
  return state.ready ? { status: 'healthy' } : { status: 'unhealthy', reason: state.reason }
}
