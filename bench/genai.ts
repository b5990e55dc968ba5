/**
 * What watching Gemini calls adds: for each chunk of a stream, for a unary answer of 60 s of audio, and on the heap while 10 minutes of
 * audio stream through. Answers come from memory, so that no network is in the figures; the SDK is the built one, as an app has it.
 * Exits with 1 when the wrapper alone adds more than the limit, or the heap grows: through the client, whose own work is 10 to 100 times as
 * much and swings by more than what is added, a busy machine would decide.
 *
 *   npm run bench:genai
 */
import { GoogleGenAI } from '@google/genai'
import { instrumentGemini } from 'tts-otel'
import { growth, measurePair, PAIR_LEGEND, pairTable, registerSdk, usedMiB } from './pairs.ts'
import { figure, tellResults } from './results.ts'

const LIMITS = { chunkUs: 5, unaryMs: 2, heapMiB: 1 }
/** 24 kHz PCM, as Gemini sends it. */
const SECOND = Buffer.alloc(48_000, 7).toString('base64')
const MOMENT = Buffer.alloc(1_920, 7).toString('base64')
const CHUNKS = 600
/** Short ones are many. */
const MOMENTS = 3_000
const ANSWERS = 5
const ROUNDS = 60

/** What the real client gets for its requests; one copy for all, as where it lies in memory shows in the figures. */
const WIRE = (() => {
  const parts = (data: string) => ({ parts: [{ inlineData: { mimeType: 'audio/L16;codec=pcm;rate=24000', data } }], role: 'model' })
  const event = (candidate: object) =>
    new TextEncoder().encode(`data: ${JSON.stringify({ candidates: [{ ...candidate, index: 0 }] })}\r\n\r\n`)
  return {
    second: event({ content: parts(SECOND) }),
    moment: event({ content: parts(MOMENT) }),
    last: event({ finishReason: 'STOP' }),
    whole: JSON.stringify({ candidates: [{ content: parts(SECOND.repeat(60)), finishReason: 'STOP', index: 0 }] }),
  }
})()

type Client = {
  models: { generateContent: (params: object) => Promise<unknown>; generateContentStream: (params: object) => Promise<unknown> }
}

const order = { model: 'gemini-3.8-flash-tts', contents: 'text', config: { responseModalities: ['AUDIO'] } }

const stop = await registerSdk()
const chunkAlone = await compare(createFake, drain, CHUNKS)
const unaryAlone = await compare(createFake, ask, ANSWERS)
const momentThrough = await compare(() => createReal(WIRE.moment, MOMENTS), drain, MOMENTS)
const secondThrough = await compare(createReal, drain, CHUNKS)
const unaryThrough = await compare(createReal, ask, ANSWERS)
const heap = await measureHeap()
await stop()

tellResults({
  title: 'Calls of Gemini',
  script: 'bench:genai',
  text: `What watching adds to the client, ${ROUNDS} rounds; answers come from memory. ${PAIR_LEGEND} The wrapper alone is what decides (limits: ${LIMITS.chunkUs} µs a chunk, ${LIMITS.unaryMs} ms an answer). Through the client, whose own work swings by more than what is added, a chunk of 1 s has no figure better than its quartiles.

${pairTable([
  ['one chunk of 1 s, the wrapper alone', chunkAlone, 'µs'],
  ['one chunk of 40 ms, through the client', momentThrough, 'µs'],
  ['one chunk of 1 s, through the client', secondThrough, 'µs'],
  ['one answer of 60 s, the wrapper alone', unaryAlone, 'ms'],
  ['one answer of 60 s, through the client', unaryThrough, 'ms'],
])}

Heap during 10 minutes of audio, MiB after a collection, by minute: ${heap.map((mib) => figure(mib, 1)).join(' ')}.`,
})

const added = { chunkUs: chunkAlone.added.medianUs, unaryMs: unaryAlone.added.medianUs / 1_000, heapMiB: growth(heap) }
if (added.chunkUs > LIMITS.chunkUs || added.unaryMs > LIMITS.unaryMs || added.heapMiB > LIMITS.heapMiB) {
  console.error(`too much: ${JSON.stringify(added)}, limits ${JSON.stringify(LIMITS)}`)
  process.exitCode = 1
}

function compare(create: () => Client, work: (client: Client) => Promise<void>, pieces: number) {
  const [bare, watched] = [create(), instrumentGemini(create())]
  return measurePair({ bare: () => work(bare), watched: () => work(watched), pieces, rounds: ROUNDS })
}

async function drain(client: Client): Promise<void> {
  const stream = await client.models.generateContentStream(order)
  for await (const chunk of stream as AsyncIterable<unknown>) void chunk
}

async function ask(client: Client): Promise<void> {
  for (let i = 0; i < ANSWERS; i++) await client.models.generateContent(order)
}

/** Answers that are there already: nothing but the wrapper differs. */
function createFake(): Client {
  const audio = (data: string, mimeType: string) => ({ content: { parts: [{ inlineData: { mimeType, data } }] }, index: 0 })
  const chunk = { candidates: [audio(SECOND, 'audio/L16;codec=pcm;rate=24000')] }
  const last = { candidates: [{ finishReason: 'STOP', index: 0 }] }
  const whole = { candidates: [{ ...audio(SECOND.repeat(60), 'audio/L16;codec=pcm;rate=24000'), finishReason: 'STOP' }] }
  return {
    models: {
      generateContent: async () => whole,
      generateContentStream: async () =>
        (async function* () {
          for (let i = 1; i < CHUNKS; i++) yield chunk
          yield last
        })(),
    },
  }
}

/** The real client, whose requests are answered from memory. */
function createReal(chunk = WIRE.second, chunks = CHUNKS): Client {
  const answer = (url: string) => {
    if (!url.includes('stream')) return new Response(WIRE.whole, { headers: { 'content-type': 'application/json' } })
    let left = chunks
    const body = new ReadableStream({
      pull(controller) {
        left -= 1
        controller.enqueue(left > 0 ? chunk : WIRE.last)
        if (left === 0) controller.close()
      },
    })
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  }
  return new GoogleGenAI({ apiKey: 'key', httpOptions: { fetch: async (url: unknown) => answer(String(url)) } }) as unknown as Client
}

/** At the start and after each minute of the audio. */
async function measureHeap(): Promise<readonly number[]> {
  const client = instrumentGemini(createReal())
  await drain(client)
  const used: number[] = [usedMiB()]
  let seconds = 0
  for await (const chunk of (await client.models.generateContentStream(order)) as AsyncIterable<unknown>) {
    void chunk
    seconds += 1
    if (seconds % 60 === 0) used.push(usedMiB())
  }
  return used
}
