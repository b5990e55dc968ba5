import type { Readiness } from '../readiness.ts'
import { type ApiAnswer, json } from './answer.ts'

export type HealthOptions = {
  /** Asks the store; bounded in time, never rejects. */
  readonly readiness: () => Promise<Readiness>
  /** `postgres` or `pglite`. */
  readonly store: string
  /** ms since 1970. */
  readonly now: () => number
}

/** `GET /livez`: the process answers, so starting it anew would mend nothing. */
export function getLivez(): ApiAnswer {
  return json(200, { status: 'ok' })
}

/** `GET /readyz`: 200 when data sent now is stored, else 503 with the reason. */
export async function getReadyz({ readiness }: HealthOptions): Promise<ApiAnswer> {
  const state = await readiness()
  return json(state.ready ? 200 : 503, state.ready ? { status: 'ok' } : { status: 'unavailable', reason: state.reason })
}

/** `GET /health`: the same for people, with each part. */
export async function getHealth({ readiness, store, now }: HealthOptions): Promise<ApiAnswer> {
  const state = await readiness()
  return json(state.ready ? 200 : 503, {
    status: state.ready ? 'healthy' : 'unhealthy',
    timestamp: new Date(now()).toISOString(),
    checks: { store: { kind: store, status: state.ready ? 'healthy' : 'unhealthy', ...(state.ready ? {} : { reason: state.reason }) } },
  })
}
