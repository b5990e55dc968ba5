import { setTimeout as sleep } from 'node:timers/promises'
import { playAlert } from './alert-scene.ts'
import { createPaint } from './paint.ts'
import { createProgress, type Progress } from './progress.ts'
import { createReadback, type Readback } from './readback.ts'
import { REAL_SCENES, STAND_IN_SCENES, TRICKLE } from './scenes.ts'
import { type Services, startServices } from './services.ts'
import { type Page, type Told, tellAlerts, tellCounts, tellLogs, tellSummary, tellTrace, tellWhereNext } from './story.ts'
import { type Answer, playScenes, send, surprises, tally } from './traffic.ts'
import { judge, judgeAlerts } from './verdict.ts'

export type DemoOptions = {
  /** Ends by itself, and checks that everything arrived. */
  readonly once: boolean
  /** Prints one JSON object to `output`; people read `progress`. */
  readonly json: boolean
  readonly env: NodeJS.ProcessEnv
  readonly output: NodeJS.WriteStream
  readonly messages: NodeJS.WriteStream
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal
}

/** The telemetry of the last request is on its way for about a second; a machine that is busy may need longer. */
const ARRIVAL_TIMEOUT_MS = 15_000
const POLL_MS = 200
const TRICKLE_EVERY_MS = 3_000
const WIDTH_DEFAULT = 80

/** Runs the whole: collector, Gemini, API, traffic, and what came of it. Returns what did not go as it should; by then nothing is running any more. */
export async function runDemo(options: DemoOptions): Promise<readonly string[]> {
  const { once, env, signal } = options
  const out = options.json ? options.messages : options.output
  const page: Page = { width: out.columns ?? WIDTH_DEFAULT, paint: createPaint(out.isTTY === true, env) }
  const progress = createProgress((text) => out.write(text), page.paint)
  const services = await startServices({ once, env, progress, signal })
  try {
    const answers = await play(services, { env, progress, signal })
    const readback = createReadback(services.collectorUrl, services.instanceId)
    const told = await tell(answers, readback, { progress, page })
    progress.section('Alerts, as a webhook got them', tellAlerts(services.alerts.notices, page))
    if (once) return await settle(options, { services, answers, readback, progress, traceId: told.traceId })
    progress.section('Go on', tellWhereNext(services, told))
    progress.line(page.paint('dim', '\nServing, with a little traffic, until Ctrl-C.'))
    return await serve(services, env, signal)
  } finally {
    await services.stop()
  }
}

type PlayOptions = { readonly env: NodeJS.ProcessEnv; readonly progress: Progress; readonly signal: AbortSignal }

async function play({ apiUrl, alerts }: Services, { env, progress, signal }: PlayOptions): Promise<readonly Answer[]> {
  const scenes = env.GEMINI_API_KEY ? REAL_SCENES : STAND_IN_SCENES
  const { answers: played } = await progress.step('traffic', `${scenes.flat().length} requests`, async () => {
    const answers = await playScenes(apiUrl, scenes, signal)
    return { answers, said: tally(answers) }
  })
  signal.throwIfAborted()
  // The service itself fails only where Gemini does.
  if (env.GEMINI_API_KEY) return played
  const { answers } = await progress.step('alert', 'more requests, until it has gone out and ended', async () => {
    const answers = await playAlert({ apiUrl, listener: alerts, signal })
    return { answers, said: `${alerts.notices.length} notifications after ${answers.length} requests` }
  })
  signal.throwIfAborted()
  return [...played, ...answers]
}

/** Shows some requests and the figures of all, once the collector has them. The first of them is the one to go on with. */
async function tell(answers: readonly Answer[], readback: Readback, { progress, page }: { progress: Progress; page: Page }): Promise<Told> {
  const shown = answers.filter(({ call, requestId }) => call.featured && requestId).sort(failedFirst)
  const traceIds: string[] = []
  for (const { requestId } of shown) traceIds.push(await arrived(`the trace of request ${requestId}`, () => readback.traceIdOf(requestId)))
  const [requestId, traceId] = [shown[0]?.requestId, traceIds[0]]
  if (!requestId || !traceId) throw new Error('The request that was to be shown got no answer')
  const summary = await arrived(`metrics of ${answers.length} requests`, async () => {
    const read = await readback.summary()
    return read.total_requests >= answers.length ? read : null
  })
  for (const [index, { call }] of shown.entries())
    progress.section(`${call.featured}, as the collector has it`, tellTrace(await readback.traceOf(traceIds[index]!), page))
  progress.section(`Log lines of the first (request_id ${requestId})`, tellLogs(await readback.logsOf(requestId), page))
  progress.section('All requests', tellSummary(summary))
  return { requestId, traceId }
}

function failedFirst(one: Answer, other: Answer): number {
  return other.status - one.status
}

/** Asks again until there is an answer. */
async function arrived<T>(what: string, ask: () => Promise<T | null>): Promise<T> {
  const deadline = Date.now() + ARRIVAL_TIMEOUT_MS
  for (;;) {
    const found = await ask()
    if (found !== null) return found
    if (Date.now() > deadline) throw new Error(`The collector does not have ${what} after ${ARRIVAL_TIMEOUT_MS / 1_000} s`)
    await sleep(POLL_MS)
  }
}

type Run = {
  readonly services: Services
  readonly answers: readonly Answer[]
  readonly readback: Readback
  readonly progress: Progress
  readonly traceId: string
}

/** Ends the API, so that nothing more can come, and compares what it made with what is stored. */
async function settle(
  { json, output, env }: DemoOptions,
  { services, answers, readback, progress, traceId }: Run,
): Promise<readonly string[]> {
  const requests = answers.length
  const notices = env.GEMINI_API_KEY ? [] : services.alerts.notices
  const alerts = await judgeAlerts(notices, readback)
  const { losses, summary, ...counts } = await judge(await services.stopApi(), requests, readback)
  progress.section('Made by the API, and found in the database', tellCounts(counts))
  if (json) output.write(`${JSON.stringify({ requests, ...counts, alerts: alerts.counts, trace_id: traceId, summary })}\n`)
  return [...losses, ...(env.GEMINI_API_KEY ? [] : alerts.losses), ...surprises(answers)]
}

/** A call now and then until Ctrl-C, or until a process ends that should not. Gemini itself is left alone: it costs money. */
async function serve({ apiUrl, broken }: Services, env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<readonly string[]> {
  const calls = env.GEMINI_API_KEY ? TRICKLE.filter((call) => call.method === 'GET') : TRICKLE
  const failed = new AbortController()
  broken.then((obituary) => failed.abort(obituary))
  const over = AbortSignal.any([signal, failed.signal])
  for (let i = 0; !over.aborted; i++) {
    const call = calls[i % calls.length]
    if (call) await send(apiUrl, call, over)
    await sleep(TRICKLE_EVERY_MS, undefined, { signal: over }).catch(() => {})
  }
  return failed.signal.aborted ? [String(failed.signal.reason)] : []
}
