import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { GenerateContentParameters, GenerateContentResponse, GoogleGenAI } from '@google/genai'
import { GeminiApiError, getLogger, ttsRequest } from 'tts-otel'
import { geminiFailed } from './errors.ts'
import { retrying } from './retries.ts'
import { createTurns } from './turns.ts'
import type { Order } from './voices.ts'

const log = getLogger('app.tts')

export type Speech = {
  /** A complete WAV file. */
  readonly generate: (order: Order) => Promise<Buffer>
  /** Raw samples (24 kHz, 16 bit, mono), written to `out` as they arrive; ends or destroys `out`. */
  readonly stream: (order: Order, out: Writable) => Promise<void>
}

/** Lets Gemini speak, `atOnce` texts at a time. Both ways throw a 502 when it fails, also when it answers 200 and says nothing. */
export function createSpeech(gemini: GoogleGenAI, { model, atOnce }: { model: string; atOnce: number }): Speech {
  const turns = createTurns(atOnce)

  async function speak<T>(order: Order, work: () => Promise<T>): Promise<T> {
    log.info('Speech requested', { voice: order.voice, language: order.language, characters: order.text.length })
    return ttsRequest({ ...order, model }, async (tts) => {
      tts.queued()
      await turns.take()
      tts.started()
      return work().finally(turns.leave)
    }).catch((error) => {
      throw geminiFailed(error)
    })
  }

  return {
    generate: (order) =>
      speak(order, async () => {
        const audio = audioOf(await gemini.models.generateContent(params(order, model)))
        if (!audio) throw silent()
        return audio
      }),
    stream: (order, out) =>
      speak(order, async () => {
        const chunks = await gemini.models.generateContentStream(params(order, model))
        await pipeline(Readable.from(samplesOf(chunks)), out)
      }),
  }
}

function params({ text, voice, language }: Order, model: string): GenerateContentParameters {
  const speechConfig = { languageCode: language, voiceConfig: { prebuiltVoiceConfig: { voiceName: voice } } }
  return { model, contents: text, config: { responseModalities: ['AUDIO'], speechConfig, ...retrying() } }
}

async function* samplesOf(chunks: AsyncIterable<GenerateContentResponse>): AsyncIterable<Buffer> {
  let heard = false
  for await (const chunk of chunks) {
    const audio = audioOf(chunk)
    if (audio) yield audio
    heard ||= audio !== null
  }
  if (!heard) throw silent()
}

/** The sound in an answer, or null: HTTP 200 does not mean that there is any. */
function audioOf(response: GenerateContentResponse): Buffer | null {
  const data = response.candidates?.[0]?.content?.parts?.[0]?.inlineData?.data
  return data ? Buffer.from(data, 'base64') : null
}

function silent(): GeminiApiError {
  return new GeminiApiError('Gemini answered without audio.')
}
