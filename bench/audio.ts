/**
 * What the audio facts cost and how right they are: `npm run bench:audio`. With and without analysis, whole answers and streams, on the
 * main thread: median, the call that 99 % stay below, and the first one of a process, which nothing has warmed up. Then the
 * analysis against a computation that looks at every sample. On a busy machine all but the medians measure the others.
 */
import { spawnSync } from 'node:child_process'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type AudioMeterOptions, createAudioMeter, describeAudio } from '../src/tts/audio.ts'
import { seededRandom } from '../test/support/random.ts'
import { usedMiB } from './pairs.ts'
import { figure, table, tellResults } from './results.ts'

const RATE_HZ = 24_000
const MIME = `audio/L16;codec=pcm;rate=${RATE_HZ}`
const WARM_UP = 30
const CALLS = 500
const NEW_PROCESSES = 15
const REST_MS = 100
/** Given to a child: measure one call on so many seconds and leave. */
const FIRST_CALL = '--first-call'

const [, , role, secondsOfChild] = process.argv
if (role === FIRST_CALL) {
  const data = speech(Number(secondsOfChild)).toString('base64')
  // Who has just computed for long is made to wait for others.
  await sleep(REST_MS)
  console.log(timeOnce(() => describeAudio(data, MIME, { analyse: true })))
} else {
  tellResults({
    title: 'Audio',
    script: 'bench:audio',
    text: [measureWhole(), measureStream(), measureHeap(), compareWithExact()].join('\n\n'),
  })
}

/** One call of {@link describeAudio}, as for a unary answer. */
function measureWhole(): string {
  const rows = [1, 10, 15, 60, 600].flatMap((seconds) => {
    const samples = speech(seconds)
    const first = timeFirstCalls(seconds)
    const forms = { base64: samples.toString('base64'), bytes: samples }
    return Object.entries(forms).map(([name, data]) => {
      const off = timeCalls(() => describeAudio(data, MIME))
      const on = timeCalls(() => describeAudio(data, MIME, { analyse: true }))
      return [`${seconds} s`, name, show(off), show(on), name === 'base64' ? first : '']
    })
  })
  return `A whole answer, one call in ms: median / 99 %. The first call of a process, which nothing has warmed up: least / median of ${NEW_PROCESSES} processes. On a busy machine all but the medians measure the others.

${table(['audio', 'as', 'off', 'analysed', 'analysed, first call'], rows)}`
}

/** Each in a process of its own. */
function timeFirstCalls(seconds: number): string {
  const times = Array.from({ length: NEW_PROCESSES }, () =>
    Number(spawnSync(process.execPath, [fileURLToPath(import.meta.url), FIRST_CALL, String(seconds)], { encoding: 'utf8' }).stdout),
  ).sort((a, b) => a - b)
  return `${times[0]?.toFixed(2)} / ${times[(NEW_PROCESSES - 1) / 2]?.toFixed(2)}`
}

/** `add` for each piece of a stream. */
function measureStream(): string {
  const rows = [40, 200, 1_000].map((pieceMs) => {
    const pieces = cut(speech(60), pieceMs)
    return [`${figure(pieceMs)} ms`, showUs(timePieces(pieces, {})), showUs(timePieces(pieces, { analyse: true }))]
  })
  return `A stream of base64, one piece in µs: median / 99 %.

${table(['piece', 'off', 'analysed'], rows)}`
}

function timePieces(pieces: readonly string[], options: AudioMeterOptions): Summary {
  for (let i = 0; i < WARM_UP; i++) pieces.forEach(createAudioMeter(MIME, options).add)
  const meter = createAudioMeter(MIME, options)
  return summarize(pieces.map((piece) => timeOnce(() => meter.add(piece))))
}

/** Ten minutes in pieces that are made as they go, so that what stays is the meter's. */
function measureHeap(): string {
  const piece = speech(1)
  const meter = createAudioMeter(MIME, { analyse: true })
  const used: number[] = []
  for (let second = 0; second <= 600; second++) {
    meter.add(piece.toString('base64'))
    if (second % 60 === 0) used.push(usedMiB())
  }
  return `Heap during ten minutes of stream, analysed, MiB after a collection, by minute: ${used.map((mib) => figure(mib, 1)).join(' ')}.`
}

function compareWithExact(): string {
  const rows = [10, 60, 600].map((seconds) => {
    const samples = speech(seconds)
    const exact = listen(samples)
    const sound = describeAudio(samples.toString('base64'), MIME, { analyse: true })?.sound
    const beside = (ours: number | undefined, exactly: number, digits: number) =>
      `${figure(ours ?? Number.NaN, digits)} / ${figure(exactly, digits)}`
    return [
      `${seconds} s`,
      beside(sound?.rmsDbfs, exact.rmsDbfs, 2),
      beside(sound?.peakDbfs, exact.peakDbfs, 2),
      beside(sound?.clippedShare, exact.clippedShare, 4),
      beside(sound?.leadingSilenceS, exact.leadingS, 4),
      beside(sound?.trailingSilenceS, exact.trailingS, 4),
    ]
  })
  return `How right it is: the analysis, which takes samples of what is longer than 5.5 s, / a computation that looks at every sample.

${table(['audio', 'RMS, dBFS', 'peak, dBFS', 'clipped, share', 'silence before, s', 'and behind, s'], rows)}`
}

/** Syllables of a harmonic tone with pauses between, noise below, 0.3 s of silence before and 0.5 s behind: as bursty as speech, the same at every run. */
function speech(seconds: number): Buffer {
  const samples = Buffer.alloc(seconds * RATE_HZ * 2)
  const random = seededRandom(7)
  let loudness = 0
  for (let i = 0; i < seconds * RATE_HZ; i++) {
    if (i % 4_800 === 0) loudness = random() < 0.25 ? 0 : 0.1 + random() * 0.9
    const t = i / RATE_HZ
    const isPause = t < 0.3 || t > seconds - 0.5
    const voice = Math.sin(2 * Math.PI * 140 * t) + 0.5 * Math.sin(2 * Math.PI * 420 * t)
    const envelope = isPause ? 0 : loudness * Math.sin((Math.PI * (i % 4_800)) / 4_800)
    const value = voice * envelope * 24_000 + (random() - 0.5) * 8
    samples.writeInt16LE(Math.max(-32_768, Math.min(32_767, Math.round(value))), i * 2)
  }
  return samples
}

function listen(samples: Buffer) {
  const count = samples.length / 2
  let squares = 0
  let peak = 0
  let clipped = 0
  let first = count
  let last = -1
  for (let i = 0; i < count; i++) {
    const value = Math.abs(samples.readInt16LE(i * 2)) / 32_768
    squares += value * value
    peak = Math.max(peak, value)
    if (value >= 32_767 / 32_768) clipped++
    if (value < 10 ** (-50 / 20)) continue
    first = Math.min(first, i)
    last = i
  }
  return {
    rmsDbfs: 20 * Math.log10(Math.sqrt(squares / count)),
    peakDbfs: 20 * Math.log10(peak),
    clippedShare: clipped / count,
    leadingS: first / RATE_HZ,
    trailingS: (count - last - 1) / RATE_HZ,
  }
}

function cut(samples: Buffer, pieceMs: number): string[] {
  const bytes = (RATE_HZ * 2 * pieceMs) / 1_000
  return Array.from({ length: samples.length / bytes }, (_, i) => samples.toString('base64', i * bytes, (i + 1) * bytes))
}

type Summary = { readonly medianMs: number; readonly highMs: number }

function timeCalls(call: () => void): Summary {
  for (let i = 0; i < WARM_UP; i++) call()
  return summarize(Array.from({ length: CALLS }, () => timeOnce(call)))
}

function timeOnce(call: () => void): number {
  const start = performance.now()
  call()
  return performance.now() - start
}

function summarize(times: readonly number[]): Summary {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0
  return { medianMs: at(0.5), highMs: at(0.99) }
}

function showUs({ medianMs, highMs }: Summary): string {
  return `${figure(medianMs * 1_000, 2)} / ${figure(highMs * 1_000, 2)}`
}

function show({ medianMs, highMs }: Summary): string {
  return `${medianMs.toFixed(4)} / ${highMs.toFixed(3)}`
}
