import { createHash } from 'node:crypto'
import type { RecordRead } from '../audit.ts'
import type { ApiAnswer, ApiRequest } from './answer.ts'

type Asked = { readonly request: ApiRequest; readonly answer: ApiAnswer; readonly startMs: number; readonly now: () => number }

/** Notes who has asked what and how much was handed out. */
export function noteRead(record: RecordRead, { request, answer, startMs, now }: Asked): void {
  const { path, query, authorization, address } = request
  record({
    timeMs: startMs,
    reader: fingerprint(authorization),
    address,
    path: clip(path),
    // A wrong question is told by its status: what stands in it may be anything.
    filter: answer.status === 400 ? {} : filterOf(query),
    status: answer.status,
    rows: answer.rows ?? 0,
    durationMs: now() - startMs,
  })
}

/** Enough to tell the readers apart, and nothing to be let in with. */
const FINGERPRINT_CHARACTERS = 8
/** Longest value that a parameter may have. */
const CHARACTERS_MAX = 1_000

function fingerprint(authorization: string | undefined): string {
  const token = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
  return token === undefined ? '' : createHash('sha256').update(token).digest('hex').slice(0, FINGERPRINT_CHARACTERS)
}

function filterOf(query: URLSearchParams): Readonly<Record<string, string>> {
  return Object.fromEntries([...query].map(([name, value]) => [name, name === 'q' ? `${value.length} characters` : clip(value)]))
}

function clip(text: string): string {
  return text.slice(0, CHARACTERS_MAX).toWellFormed().replaceAll('\0', '')
}
