import type { LogRecord, Value } from '../batch.ts'
import { messageOf, sourceOf } from '../log-fields.ts'

/**
 * What kind of error a record tells of: the type and the uppermost frame of its stack that is the app's own, without lines,
 * so that a release does not make new kinds of old ones. Without a stack the logger and the message, without what varies in it.
 */
export function kindOf(record: LogRecord): string {
  const { attributes, body, resource } = record
  const type = textOf(attributes['exception.type']) ?? textOf(attributes['error.type']) ?? ''
  const frame = appFrame(textOf(attributes['exception.stacktrace']) ?? '')
  const place = frame ?? `${sourceOf(record)} ${withoutVariables(messageOf(body))}`
  return `${resource.service} ${type} ${place}`.slice(0, KIND_CHARACTERS_MAX)
}

const KIND_CHARACTERS_MAX = 300
/** `    at speak (file:///app/dist/speech.js:10:5)`, `at async /app/main.js:1:2`. */
const FRAME = /^\s*at (?:async )?(?:(.+?) \()?(?:file:\/\/)?([^()]+?):\d+:\d+\)?$/
const FRAMES_MAX = 50

/** Function and file. */
function appFrame(stack: string): string | undefined {
  for (const line of stack.split('\n').slice(0, FRAMES_MAX)) {
    const [, name = '', file = ''] = FRAME.exec(line.slice(0, 500)) ?? []
    if (file !== '' && !file.startsWith('node:') && !file.includes('/node_modules/')) return `${name} ${file}`
  }
  return undefined
}

/** Ids, numbers and what stands in quotes. */
function withoutVariables(message: string): string {
  return message
    .slice(0, KIND_CHARACTERS_MAX)
    .replace(/"[^"]*"|'[^']*'/g, '"…"')
    .replace(/\b(?=\w*\d)\w[\w-]*\b/g, '#')
}

function textOf(value: Value | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
