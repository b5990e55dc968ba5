import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AlertListener, startAlertListener } from './alert-listener.ts'
import type { Child } from './child.ts'
import { startApi, startCollector, startStandIn } from './processes.ts'
import type { Progress } from './progress.ts'

/** The three processes of the demo, the webhook that their alerts go to, and the end of them. */
export type Services = {
  readonly alerts: AlertListener
  readonly collectorUrl: string
  readonly apiUrl: string
  /** `service.instance.id` of this run of the API: what tells its telemetry from that of earlier runs. */
  readonly instanceId: string
  /** Resolves with a message when one of them ends unasked. */
  readonly broken: Promise<string>
  /** Ends the API and returns its report on its telemetry; the others still run. */
  readonly stopApi: () => Promise<string>
  /** Ends what still runs, in the order in which data flows. */
  readonly stop: () => Promise<void>
}

export type ServiceOptions = {
  readonly once: boolean
  readonly env: NodeJS.ProcessEnv
  readonly progress: Progress
  readonly signal: AbortSignal
}

/** The API delivers its last telemetry within this, the collector finishes what it has in hand. */
const STOP_TIMEOUT_MS = 10_000

/** Starts collector, stand-in (unless there is a key for the real Gemini) and API. When one fails, the others are ended and the error says why. */
export async function startServices({ once, env, progress, signal }: ServiceOptions): Promise<Services> {
  const started: Child[] = []
  const dataDir = once && !env.DATABASE_URL ? await mkdtemp(join(tmpdir(), 'tts-otel-demo-')) : null
  const alerts = await startAlertListener()
  let asked = false
  const stop = async () => {
    asked = true
    for (const child of started.toReversed()) await child.stop(STOP_TIMEOUT_MS)
    alerts.close()
    if (dataDir) await rm(dataDir, { recursive: true, force: true })
  }
  try {
    const start = { once, env, progress, signal, adopt: (child: Child) => void started.push(child) }
    const collector = await startCollector({ ...start, dataDir, alertsUrl: alerts.url })
    const standIn = env.GEMINI_API_KEY ? null : await startStandIn(start)
    if (!standIn) progress.note('Gemini', 'the real one, with a few short texts (GEMINI_API_KEY)')
    const api = await startApi({ ...start, collectorUrl: collector.url, standInUrl: standIn?.url ?? null })
    const broken = Promise.race(started.map((child) => child.ended.then(() => child.obituary()))).then((obituary) =>
      asked ? new Promise<never>(() => {}) : obituary,
    )
    const stopApi = () => {
      asked = true
      return api.child.stop(STOP_TIMEOUT_MS)
    }
    return { alerts, collectorUrl: collector.url, apiUrl: api.url, instanceId: api.instanceId, broken, stopApi, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
