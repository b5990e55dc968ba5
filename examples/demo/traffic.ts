import type { Call, Scene } from './scenes.ts'

/** What became of a call. */
export type Answer = {
  readonly call: Call
  /** 0 when there was no answer at all. */
  readonly status: number
  /** `x-request-id` of the answer. */
  readonly requestId: string
  readonly ending: 'complete' | 'broken' | 'hang-up'
}

/** Scenes that run side by side; as many callers as a small service has. */
const SCENES_AT_ONCE = 6
/** Longer than the API waits for Gemini. */
const CALL_TIMEOUT_MS = 45_000

/** Plays all scenes against the API; the answers come in the order in which they arrived. Stops early when `signal` aborts. */
export async function playScenes(apiUrl: string, scenes: readonly Scene[], signal: AbortSignal): Promise<readonly Answer[]> {
  const waiting = [...scenes]
  const answers: Answer[] = []
  const caller = async () => {
    for (let scene = waiting.shift(); scene && !signal.aborted; scene = waiting.shift()) {
      for (const call of scene) answers.push(await send(apiUrl, call, signal))
    }
  }
  await Promise.all(Array.from({ length: SCENES_AT_ONCE }, caller))
  return answers
}

/** Sends one request and reads the answer to its end. Never throws. */
export async function send(apiUrl: string, call: Call, signal: AbortSignal): Promise<Answer> {
  const leaving = new AbortController()
  let status = 0
  let requestId = ''
  try {
    const response = await fetch(`${apiUrl}${call.path}`, {
      ...toRequest(call),
      signal: AbortSignal.any([signal, leaving.signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]),
    })
    status = response.status
    requestId = response.headers.get('x-request-id') ?? ''
    for await (const _ of response.body ?? []) if (call.ending === 'hang-up') leaving.abort()
    return { call, status, requestId, ending: 'complete' }
  } catch {
    return { call, status, requestId, ending: leaving.signal.aborted ? 'hang-up' : 'broken' }
  }
}

function toRequest({ method, key, body }: Call): RequestInit {
  if (method === 'GET') return { method }
  const headers = { 'content-type': 'application/json', ...(key ? { authorization: `Bearer ${key}` } : {}) }
  return { method, headers, body: typeof body === 'string' ? body : JSON.stringify(body) }
}

/** Answers that are not what the scene called for, in words. */
export function surprises(answers: readonly Answer[]): readonly string[] {
  return answers
    .filter(({ call, status, ending }) => status !== call.expected || ending !== (call.ending ?? 'complete'))
    .map(({ call, status, ending, requestId }) => {
      const wanted = `${call.expected}${call.ending ? `, ${call.ending}` : ''}`
      return `${call.method} ${call.path} answered ${status || 'nothing'}${ending === 'complete' ? '' : `, ${ending}`} instead of ${wanted} (request_id ${requestId || 'unknown'})`
    })
}

/** `27×200, 8×400`, by status. */
export function tally(answers: readonly Answer[]): string {
  const counts = new Map<number, number>()
  for (const { status } of answers) counts.set(status, (counts.get(status) ?? 0) + 1)
  return [...counts]
    .sort(([a], [b]) => a - b)
    .map(([status, count]) => `${count}×${status || 'unanswered'}`)
    .join(', ')
}
