import { processConfig } from '../config.ts'
import type { EnterableContextManager } from '../context-manager.ts'
import { instrumentConsole } from './console.ts'
import { instrumentFastify } from './fastify.ts'
import { instrumentFetch } from './fetch.ts'
import { createGeminiInstrument, type GeminiInstrument } from './google-genai.ts'
import { createGuard, type Guard } from './guard.ts'
import { instrumentHttpServer } from './http-server.ts'
import { instrumentIoredis } from './ioredis.ts'
import { hookModule } from './module-hooks.ts'
import { instrumentPgModule } from './pg-module.ts'

export type InstallOptions = {
  /** The registered context manager. */
  readonly contextManager: EnterableContextManager
  /** URLs that this SDK sends its own telemetry to: requests there are never traced. */
  readonly collectorUrls?: readonly string[]
  /** Whether what the app writes with `console.*` becomes log records. Default false. */
  readonly captureConsole?: boolean
}

export type Installed = {
  /** What is instrumented, for a line at start-up and for `doctor`. */
  readonly names: readonly string[]
  /** Stops all of it; requests under way are still followed to their end. */
  uninstall(): void
}

/**
 * Instruments what a speech service is made of. Call it once the global providers, the context manager and the propagator are set:
 * tracer and instruments are taken from them here. One that cannot be installed is said and counted, and the others go on.
 */
export function installInstrumentation({ contextManager, collectorUrls = [], captureConsole = false }: InstallOptions): Installed {
  const isOwnTraffic = createOwnTrafficTest(collectorUrls)
  const all: Readonly<Record<string, (guard: Guard) => () => void>> = {
    'http-server': (guard) => instrumentHttpServer({ contextManager, guard }),
    fetch: (guard) => instrumentFetch({ guard, isOwnTraffic }),
    fastify: (guard) => instrumentFastify({ guard }),
    'google-genai': instrumentGoogleGenai,
    ioredis: (guard) => instrumentIoredis({ guard }),
    pg: (guard) => instrumentPgModule({ guard }),
    ...(captureConsole && { console: (guard: Guard) => instrumentConsole({ guard }) }),
  }
  const uninstalls = new Map<string, () => void>()
  for (const [name, instrument] of Object.entries(all)) {
    const guard = createGuard(name)
    guard.run(() => uninstalls.set(name, instrument(guard)))
  }
  return {
    names: [...uninstalls.keys()],
    uninstall() {
      for (const stop of uninstalls.values()) stop()
    },
  }
}

function instrumentGoogleGenai(guard: Guard): () => void {
  let gemini: GeminiInstrument | undefined
  const unhook = hookModule({
    name: '@google/genai',
    esmFile: '/@google/genai/dist/node/index.mjs',
    onLoad(exports) {
      gemini ??= createGeminiInstrument(guard, processConfig().config.speech)
      gemini.watchModule(exports)
    },
    guard,
  })
  return () => {
    unhook()
    gemini?.stop()
  }
}

/** Delivery suppresses tracing by itself; this holds for whatever else posts there, such as another exporter. */
function createOwnTrafficTest(urls: readonly string[]): (origin: string, path: string) => boolean {
  const own = urls.flatMap((text) => {
    const url = URL.parse(text)
    return url ? [{ origin: url.origin, path: url.pathname }] : []
  })
  return (origin, path) => own.some((url) => url.origin === origin && path.startsWith(url.path))
}
