import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { type Child, startChild } from './child.ts'
import { findPort, isListening } from './ports.ts'
import type { Progress } from './progress.ts'

export type StartOptions = {
  readonly once: boolean
  readonly env: NodeJS.ProcessEnv
  readonly progress: Progress
  readonly signal: AbortSignal
  /** Told about a child before it is ready, so that somebody ends it in any case. */
  readonly adopt: (child: Child) => void
}

export type Started = { readonly child: Child; readonly url: string }

/** First boot of the embedded database on a slow disk, with room. */
const READY_TIMEOUT_MS = 60_000
/** A database server is there or is not; the collector would wait for it for ever. */
const SERVER_READY_TIMEOUT_MS = 15_000
const PROBE_TIMEOUT_MS = 1_000
/** A tenth of Gemini's own time: the traffic takes seconds, and the proportions stay. */
const TIME_SCALE = '0.1'
const ROOT = new URL('../../', import.meta.url)

/** The collector: on PostgreSQL when `DATABASE_URL` names one, otherwise on PGlite in `dataDir`, or in `.data` when that is null. */
export async function startCollector(
  options: StartOptions & { readonly dataDir: string | null; readonly alertsUrl: string },
): Promise<Started> {
  const { env, progress, signal, adopt, dataDir, alertsUrl } = options
  const { port, note } = await choosePort(options.once ? 0 : 4318)
  const where = env.DATABASE_URL ? 'on the PostgreSQL of DATABASE_URL' : `PGlite boots in ${dataDir ? 'a fresh folder' : '.data'}`
  return progress.step('collector', where, async () => {
    const child = startChild({
      name: 'The collector',
      imports: [],
      main: new URL('collector/bin.js', ROOT),
      env: {
        ...plainEnv(env),
        ...alertsEnv(alertsUrl),
        COLLECTOR_LISTEN: `127.0.0.1:${port}`,
        ...(env.DATABASE_URL ? { DATABASE_URL: env.DATABASE_URL } : {}),
        ...(dataDir ? { COLLECTOR_DATA_DIR: dataDir } : {}),
      },
    })
    adopt(child)
    const url = `http://127.0.0.1:${port}`
    const timeoutMs = env.DATABASE_URL ? SERVER_READY_TIMEOUT_MS : READY_TIMEOUT_MS
    await child.ready(() => answersOk(`${url}/readyz`), { timeoutMs, signal })
    return { child, url, said: `${url}${note}` }
  })
}

export async function startStandIn({ env, progress, signal, adopt }: StartOptions): Promise<Started> {
  const { port } = await choosePort(0)
  return progress.step('Gemini', 'stand-in (no GEMINI_API_KEY)', async () => {
    const child = startChild({
      name: 'The stand-in for Gemini',
      imports: [],
      main: new URL('examples/gemini-stand-in/main.ts', ROOT),
      args: ['--port', String(port), '--time-scale', TIME_SCALE],
      env: plainEnv(env),
    })
    adopt(child)
    await child.ready(() => isListening(port), { timeoutMs: READY_TIMEOUT_MS, signal })
    const url = `http://127.0.0.1:${port}`
    return { child, url, said: url }
  })
}

/** The example API under `register`, as a user would start it. `instanceId` is what its telemetry is known by. */
export async function startApi(
  options: StartOptions & { readonly collectorUrl: string; readonly standInUrl: string | null },
): Promise<Started & { readonly instanceId: string }> {
  const { env, progress, signal, adopt, collectorUrl, standInUrl } = options
  const { port, note } = await choosePort(options.once ? 0 : 3000)
  const instanceId = randomUUID()
  return progress.step('TTS API', 'under --import ./register.js', async () => {
    const child = startChild({
      name: 'The TTS API',
      imports: [new URL('register.js', ROOT), new URL('./report.ts', import.meta.url)],
      main: new URL('examples/tts-api/app.ts', ROOT),
      env: {
        ...plainEnv(env),
        ...telemetryEnv(collectorUrl, instanceId),
        PORT: String(port),
        GEMINI_TIMEOUT_MS: '30000',
        ...(standInUrl ? { STAND_IN_URL: standInUrl } : {}),
      },
    })
    adopt(child)
    await child.ready(() => isListening(port), { timeoutMs: READY_TIMEOUT_MS, signal })
    const url = `http://127.0.0.1:${port}`
    return { child, url, instanceId, said: `${url}${note}` }
  })
}

async function answersOk(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) }).catch(() => null)
  return response?.ok === true
}

/** Short intervals, because somebody is waiting to see what comes out; the defaults are gentler. */
function telemetryEnv(collectorUrl: string, instanceId: string): NodeJS.ProcessEnv {
  return {
    OTEL_SERVICE_NAME: 'tts-api',
    OTEL_RESOURCE_ATTRIBUTES: `service.instance.id=${instanceId}`,
    OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl,
    OTEL_BSP_SCHEDULE_DELAY: '500',
    OTEL_BLRP_SCHEDULE_DELAY: '500',
    METRICS_COLLECTION_INTERVAL: '1',
  }
}

/** Rules of the demo's own, and a webhook of its own on this machine. */
function alertsEnv(alertsUrl: string): NodeJS.ProcessEnv {
  return {
    ALERT_RULES: fileURLToPath(new URL('./alerts.yaml', import.meta.url)),
    ALERT_CHECK_INTERVAL: '1',
    ALERT_WEBHOOK_URL: alertsUrl,
    ALERT_ALLOW_PRIVATE: '127.0.0.0/8',
  }
}

/** Our own environment without what would change the demo, fill a store or page somebody: telemetry settings, stores, tokens, levels, channels, and a proxy for the loopback. */
function plainEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(
    ([name]) =>
      !/^(OTEL_|INGEST_TOKEN|READ_TOKEN|COLLECTOR_|DATABASE_|ELASTICSEARCH_|ES_|ALERT_|SLACK_|SMTP_|ERROR_WEBHOOK_|LOG_DB_LEVEL|LOG_LEVEL|API_KEYS|HOST$|PORT$)/.test(
        name,
      ),
  )
  const noProxy = [env.no_proxy ?? env.NO_PROXY, '127.0.0.1'].filter(Boolean).join(',')
  return { ...Object.fromEntries(kept), NO_PROXY: noProxy, no_proxy: noProxy }
}

/** `wanted`, or a free port and a note that says so; 0 just takes a free one. */
async function choosePort(wanted: number): Promise<{ port: number; note: string }> {
  const port = await findPort(wanted)
  return { port, note: wanted === 0 || port === wanted ? '' : ` (${wanted} is taken)` }
}
