/** INSTALL: the SDK for everybody in this thread. `node --import tts-otel/register app.js`; importing it twice does nothing more. */
import { enableCompileCache, registerHooks } from 'node:module'
import { format } from 'node:util'
import { isInternalThread, isMainThread, workerData } from 'node:worker_threads'
import { type Config, processConfig, type SignalConfig } from './config.ts'
import type { PostOptions } from './delivery/post.ts'
import { createDiagLogger } from './diag-logger.ts'
import { registerGlobals } from './globals.ts'
import { installInstrumentation } from './instrument/install.ts'
import { createLineWriter } from './log/console.ts'
import { createRedactor } from './log/redact.ts'
import { examineSettings, type SettingsExam } from './log/settings/file.ts'
import { planOfEnvironment } from './log/settings.ts'
import { watchProcessEnd } from './process-end.ts'
import { registered, setRegistered } from './registered.ts'
import { createSdk } from './sdk.ts'
import { describeStart, isStartTold } from './start-line.ts'
import { SIGNALS, type Signal } from './wire/signal.ts'
import { describeProblems } from './wrong-settings.ts'

const STDERR = 2
const writeToStderr = createLineWriter({ fd: STDERR })
const say = (message: string) => writeToStderr(`tts-otel: ${message}\n`)

if (registered() === undefined && !isInternalThread && !isOwnWorker()) {
  if (typeof registerHooks === 'function') start()
  else if (isMainThread) say(`needs Node 22.15 or later and this is ${process.version}: the app runs without telemetry.`)
}

/** Workers of this package, which mark themselves; what they do for telemetry must not make telemetry. */
function isOwnWorker(): boolean {
  return !isMainThread && workerData?.['tts-otel'] === 'internal'
}

function start(): void {
  const { config, problems } = processConfig()
  const exam = isMainThread ? examineLogging(config) : undefined
  if (isMainThread) tellProblems(exam?.message === undefined ? problems : [...problems, exam.message], config.strict)
  if (config.compileCache) enableCompileCache()
  try {
    install(config, exam?.mark)
  } catch (error) {
    say(`cannot start, the app runs without telemetry. ${format(error)}`)
  }
}

/** A `logging.yaml` is read at the first record, and that may be late. */
function examineLogging({ log }: Config): SettingsExam | undefined {
  return log.settingsPath === undefined ? undefined : examineSettings(log.settingsPath, planOfEnvironment(log))
}

/** Workers have the same environment: once is enough. */
function tellProblems(problems: readonly string[], isStrict: boolean): void {
  if (problems.length === 0) return
  say(describeProblems(problems, isStrict ? 'The app was not started (TTS_OTEL_STRICT).' : 'The app runs on.'))
  if (isStrict) process.exit(1)
}

function install(config: Config, saidSettings: string | undefined): void {
  const sdk = createSdk(config, { warn: say })
  setRegistered({ stats: sdk.stats, forceFlush: sdk.forceFlush, saidSettings })
  const diagLogger = createDiagLogger({ say, redactor: createRedactor(config.log), nowMs: Date.now })
  const refusal = registerGlobals({ sdk, diagLogger, diagLevel: config.diagLevel })
  if (refusal !== undefined) say(refusal)
  if (config.disabled) return
  const collectorUrls = SIGNALS.map((signal) => config.signals[signal].url)
  const { names } = installInstrumentation({
    contextManager: sdk.contextManager,
    collectorUrls,
    captureConsole: config.log.captureConsole,
  })
  if (isMainThread && isStartTold(config.diagLevel, STDERR)) say(describeStart(config, names))
  watchProcessEnd({ sdk, posts: toPosts(config), timeoutMs: config.shutdownTimeoutMs, isMainThread })
}

function toPosts({ signals, proxy }: Config): Readonly<Record<Signal, PostOptions>> {
  const toPost = ({ url, headers, compression, timeoutMs, tls }: SignalConfig) => ({ url, headers, compression, timeoutMs, tls, proxy })
  return { traces: toPost(signals.traces), metrics: toPost(signals.metrics), logs: toPost(signals.logs) }
}
