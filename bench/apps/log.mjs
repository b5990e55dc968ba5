// A process that logs in bursts, as a service under load does, and prints what one call took, as one line of JSON.
// BENCH_LOGGER: tts-otel or pino. BENCH_REDACT: pino's paths, separated by commas. BENCH_FILE: pino's file; ours stands in logging.yaml.
import { setTimeout as sleep } from 'node:timers/promises'

const CALLS = 500
const BURSTS = 200
const WARM_UP = 100

const { BENCH_LOGGER, BENCH_REDACT, BENCH_FILE } = process.env
const { log, settled } = await (BENCH_LOGGER === 'pino' ? createPino() : createOurs())
for (let burst = 0; burst < WARM_UP; burst++) await logBurst(burst)
const before = process.cpuUsage()
let insideUs = 0
for (let burst = 0; burst < BURSTS; burst++) insideUs += await logBurst(burst)
const all = process.cpuUsage(before)
const calls = CALLS * BURSTS
process.stdout.write(`${JSON.stringify({ callUs: insideUs / calls, allUs: (all.user + all.system) / calls, ...(await settled()) })}\n`)
process.exit()

/** CPU of the calls themselves; what they leave to do later is done when this resolves. */
async function logBurst(burst) {
  const start = process.cpuUsage()
  for (let call = 0; call < CALLS; call++) log('TTS request finished', makeFields(burst * CALLS + call))
  const { user, system } = process.cpuUsage(start)
  await settled()
  return user + system
}

/** Made anew for each call, as it is in an app. */
function makeFields(call) {
  return {
    user: `u-${call % 1000}`,
    voice: 'Kore',
    language: 'en-US',
    text_length: call % 5000,
    model: 'gemini-2.5-flash-preview-tts',
    duration_ms: call * 1.5,
    ok: true,
    endpoint: '/v1/tts',
    region: 'europe-west1',
    attempt: 1,
  }
}

async function createOurs() {
  const { getLogger, getTelemetryHealth } = await import('../../dist/index.js')
  const logger = getLogger('app.tts')
  async function settled() {
    await sleep(1)
    for (let waits = 0; getTelemetryHealth().logs.waiting > 0 && waits < 500; waits++) await sleep(10)
    const { sent, dropped } = getTelemetryHealth().logs
    return { sent, dropped: Object.values(dropped).reduce((sum, count) => sum + count, 0) }
  }
  return { log: logger.info, settled }
}

async function createPino() {
  const { pino } = await import('pino')
  const paths = BENCH_REDACT?.split(',')
  // Synchronous, as ours; it writes when 4 KB are full, and flushes at exit.
  const destination = pino.destination({ dest: BENCH_FILE, sync: true, minLength: 4096 })
  const logger = pino(paths === undefined ? {} : { redact: paths }, destination)
  const settled = async () => void (await sleep(1))
  return { log: (message, fields) => logger.info(fields, message), settled }
}
