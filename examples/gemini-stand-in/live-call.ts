import { VOICES } from './audio.ts'
import { asArray, asString, at, textOf } from './call.ts'

/** What a client sends over a connection, as far as speech needs it. */
export type LiveInput =
  | { readonly kind: 'setup'; readonly setup: unknown }
  /** The model is to answer this. */
  | { readonly kind: 'question'; readonly text: string }
  | { readonly kind: 'tool-response' }
  /** Something to know about; no answer is due. */
  | { readonly kind: 'note' }
  | { readonly kind: 'wrong' }

/** Reads one message of a client. */
export function parseLiveInput(json: string): LiveInput {
  const message = parse(json)
  const setup = at(message, 'setup')
  const content = at(message, 'clientContent')
  const input = at(message, 'realtimeInput')
  if (setup !== undefined) return { kind: 'setup', setup }
  if (content !== undefined) return parseContent(content)
  if (input !== undefined) return parseInput(input)
  return at(message, 'toolResponse') === undefined ? { kind: 'wrong' } : { kind: 'tool-response' }
}

function parseContent(content: unknown): LiveInput {
  const text = textOf(asArray(at(content, 'turns')).flatMap((turn) => asArray(at(turn, 'parts'))))
  return at(content, 'turnComplete') === true ? { kind: 'question', text } : { kind: 'note' }
}

/** Nobody listens here: whatever was spoken is a question when it ends. */
function parseInput(input: unknown): LiveInput {
  const text = asString(at(input, 'text'))
  if (text !== null) return { kind: 'question', text }
  const isOver = at(input, 'activityEnd') !== undefined || at(input, 'audioStreamEnd') === true
  return isOver ? { kind: 'question', text: 'I have heard you, and this is what I have to say.' } : { kind: 'note' }
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return null
  }
}

/** The voice of a session, or how the connection is closed on a mistake. */
export type LiveSetup = { readonly voice: string } | { readonly code: number; readonly refusal: string }

/** Reads what a session is to be. */
export function parseLiveSetup(setup: unknown, version: string): LiveSetup {
  const model = asString(at(setup, 'model')) ?? ''
  const voice = asString(at(setup, 'generationConfig', 'speechConfig', 'voiceConfig', 'prebuiltVoiceConfig', 'voiceName')) ?? 'Kore'
  if (!/live|native-audio/.test(model))
    return { code: 1008, refusal: `${model} is not found for API version ${version}, or is not supported for bidiGenerateContent.` }
  if (!VOICES.some((name) => name.toLowerCase() === voice.toLowerCase()))
    return { code: 1007, refusal: `Voice name ${voice} is not supported.` }
  return { voice }
}
