/**
 * What watching the Live API adds to each message with audio, with and without in one run, in turns, and what stays on the heap while an
 * hour of audio comes over one connection. The messages come parsed from memory: reading their JSON is the client's own work and costs
 * more than all of this. Exits with 1 when a message costs more than the limit, or the heap grows.
 *
 *   npm run bench:genai-live
 */
import { instrumentGemini } from 'tts-otel'
import { growth, measurePair, PAIR_LEGEND, pairTable, registerSdk, usedMiB } from './pairs.ts'
import { figure, tellResults } from './results.ts'

const LIMITS = { messageUs: 5, heapMiB: 1 }
const MESSAGES = 5_000
const ROUNDS = 40
/** The Live API sends 40 ms to 1 s at a time; a second is the larger piece to look at. */
const SECOND = Buffer.alloc(48_000, 7).toString('base64')
const AUDIO = { serverContent: { modelTurn: { parts: [{ inlineData: { mimeType: 'audio/pcm;rate=24000', data: SECOND } }] } } }
const COMPLETE = { serverContent: { turnComplete: true }, usageMetadata: { promptTokenCount: 7, responseTokenCount: 25 } }

type Callbacks = { onmessage(message: object): void; onclose(event: object): void }
type Session = { sendClientContent(params: object): void; close(): void }
type Client = { live: { connect(params: { model: string; callbacks: Callbacks }): Promise<Session & { callbacks: Callbacks }> } }

const stop = await registerSdk()
const clients = { bare: createFake(), watched: instrumentGemini(createFake()) }
const message = await measurePair({
  bare: () => talk(clients.bare),
  watched: () => talk(clients.watched),
  pieces: MESSAGES,
  rounds: ROUNDS,
})
const heap = await measureHeap(clients.watched)
await stop()

tellResults({
  title: 'The Live API',
  script: 'bench:genai-live',
  text: `What watching adds to a message with audio, ${ROUNDS} rounds; the messages come parsed from memory. ${PAIR_LEGEND}

${pairTable([['one message with a second of audio', message, 'µs']])}

Heap during an hour of audio, MiB after a collection, every ten minutes: ${heap.map((mib) => figure(mib, 1)).join(' ')}.`,
})

const added = { messageUs: message.added.medianUs, heapMiB: growth(heap) }
if (added.messageUs > LIMITS.messageUs || added.heapMiB > LIMITS.heapMiB) {
  console.error(`too much: ${JSON.stringify(added)}, limits ${JSON.stringify(LIMITS)}`)
  process.exitCode = 1
}

/** Looks its callbacks up for each message, as the client does. */
function createFake(): Client {
  return {
    live: {
      async connect({ callbacks }) {
        return { callbacks, sendClientContent: () => {}, close: () => callbacks.onclose({ code: 1000, reason: '' }) }
      },
    },
  }
}

function open(client: Client) {
  return client.live.connect({ model: 'gemini-live', callbacks: { onmessage: () => {}, onclose: () => {} } })
}

/** One turn of many messages. */
async function talk(client: Client): Promise<void> {
  const session = await open(client)
  session.sendClientContent({})
  for (let i = 0; i < MESSAGES; i++) session.callbacks.onmessage(AUDIO)
  session.callbacks.onmessage(COMPLETE)
  session.close()
}

/** An hour in turns of ten seconds, each message with audio of its own. */
async function measureHeap(client: Client): Promise<number[]> {
  const session = await open(client)
  const samples: number[] = []
  for (let second = 0; second < 3_600; second++) {
    if (second % 10 === 0) session.sendClientContent({})
    const data = Buffer.alloc(48_000, second).toString('base64')
    session.callbacks.onmessage({ serverContent: { modelTurn: { parts: [{ inlineData: { mimeType: 'audio/pcm;rate=24000', data } }] } } })
    if (second % 10 === 9) session.callbacks.onmessage(COMPLETE)
    if (second % 600 === 0) samples.push(usedMiB())
  }
  session.close()
  return samples
}
