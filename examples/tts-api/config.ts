/** Settings of this service; telemetry has its own (`OTEL_*`). */
export type Config = {
  readonly host: string
  readonly port: number
  readonly gemini: GeminiConfig
  readonly users: readonly User[]
}

export type GeminiConfig = {
  readonly apiKey: string
  /** Instead of Google's. */
  readonly baseUrl?: string
  readonly model: string
  readonly timeoutMs: number
  /** Calls that run side by side; Gemini allows a project only a few a minute. */
  readonly atOnce: number
}

/** Someone who may use the service. */
export type User = { readonly key: string; readonly id: string; readonly requestsPerMinute: number }

/** Keys to play with; a real deployment sets `API_KEYS`. */
const DEMO_KEYS = 'demo-alice:alice:600,demo-bob:bob:600,demo-carol:carol:3'

/** Reads the environment. Without `GEMINI_API_KEY` the stand-in at `STAND_IN_URL` speaks. */
export function parseConfig(env: NodeJS.ProcessEnv): Config {
  const gemini = env.GEMINI_API_KEY
    ? { apiKey: env.GEMINI_API_KEY }
    : { apiKey: 'stand-in-key', baseUrl: env.STAND_IN_URL ?? 'http://127.0.0.1:8787' }
  return {
    host: env.HOST ?? '127.0.0.1',
    port: Number(env.PORT ?? 3000),
    gemini: {
      ...gemini,
      model: env.GEMINI_MODEL ?? 'gemini-3.8-flash-tts',
      timeoutMs: Number(env.GEMINI_TIMEOUT_MS ?? 60_000),
      atOnce: Number(env.GEMINI_CALLS_AT_ONCE ?? 4),
    },
    users: (env.API_KEYS ?? DEMO_KEYS).split(',').map(parseUser),
  }
}

function parseUser(entry: string): User {
  const [key, id, requestsPerMinute] = entry.split(':')
  if (!key || !id || !(Number(requestsPerMinute) > 0)) throw new Error('API_KEYS must read key:user:requestsPerMinute, separated by commas')
  return { key, id, requestsPerMinute: Number(requestsPerMinute) }
}
