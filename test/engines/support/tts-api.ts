/** The example API under `register` with the stand-in for Gemini, in processes of their own, as `npm start` has them. */
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { STAND_IN_SCENES } from '../../../examples/demo/scenes.ts'
import { type Answer, playScenes } from '../../../examples/demo/traffic.ts'
import { testedNode } from '../../support/run-node.ts'
import { createDaemon } from './daemon.ts'
import { isTaken } from './is-taken.ts'
import { freePort } from './postgres.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

export type TtsApi = {
  /** Plays all scenes of `npm start`, failures among them. */
  play(): Promise<readonly Answer[]>
  /** Ends both; the API delivers what it has. */
  stop(): Promise<void>
}

/** @param env where its telemetry goes, and how */
export async function startTtsApi(env: Readonly<Record<string, string>>): Promise<TtsApi> {
  const [apiPort, standInPort] = [await freePort(), await freePort()]
  const standIn = createDaemon({
    name: 'The stand-in for Gemini',
    program: testedNode(),
    args: [join(ROOT, 'examples/gemini-stand-in/main.ts'), '--port', String(standInPort), '--time-scale', '0.1'],
    isReady: () => isTaken(`127.0.0.1:${standInPort}`),
  })
  const api = createDaemon({
    name: 'The example API',
    program: testedNode(),
    args: ['--import', pathToFileURL(join(ROOT, 'register.js')).href, join(ROOT, 'examples/tts-api/app.ts')],
    env: {
      OTEL_SERVICE_NAME: 'tts-api',
      PORT: String(apiPort),
      STAND_IN_URL: `http://127.0.0.1:${standInPort}`,
      GEMINI_TIMEOUT_MS: '30000',
      METRICS_COLLECTION_INTERVAL: '1',
      ...env,
    },
    isReady: () => isTaken(`127.0.0.1:${apiPort}`),
  })
  await Promise.all([standIn.start(), api.start()])
  return {
    play: () => playScenes(`http://127.0.0.1:${apiPort}`, STAND_IN_SCENES, AbortSignal.timeout(120_000)),
    async stop() {
      await Promise.all([api.end('SIGTERM'), standIn.end('SIGTERM')])
    },
  }
}
