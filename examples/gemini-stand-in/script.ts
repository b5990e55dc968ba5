import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/** One answer, written down before any of it is sent: what a mode returns and {@link play} acts out. */
export type Script = {
  readonly status: number
  readonly contentType: string
  /** What Google's server spends before the headers leave; reported in `server-timing`. */
  readonly thinkMs: number
  readonly steps: readonly Step[]
}

export type Step =
  | { readonly kind: 'send'; readonly body: string }
  | { readonly kind: 'wait'; readonly ms: number }
  /** The connection breaks here (RST). */
  | { readonly kind: 'reset' }
  /** Nothing more comes, and the connection stays open. */
  | { readonly kind: 'hang' }

/** An answer in one piece. */
export function json({ thinkMs, body }: { thinkMs: number; body: object }): Script {
  return { status: 200, contentType: 'application/json; charset=UTF-8', thinkMs, steps: [{ kind: 'send', body: JSON.stringify(body) }] }
}

/** An answer in server-sent events, or any other steps. */
export function eventStream(thinkMs: number, steps: readonly Step[]): Script {
  return { status: 200, contentType: 'text/event-stream', thinkMs, steps }
}

/** Long enough for what was sent to reach the client, so that a reset hits the body and not the headers. */
const FLUSH_MS = 20

/**
 * Acts out a script. Every wait is multiplied by `timeScale`; `signal` (the client left, the server stops) ends it early.
 * Never throws: whoever went away gets no answer.
 */
export async function play(
  script: Script,
  response: ServerResponse,
  { timeScale, signal }: { timeScale: number; signal: AbortSignal },
): Promise<void> {
  try {
    await sleep(script.thinkMs * timeScale, undefined, { signal })
    if (script.steps[0]?.kind === 'hang') return await forever(signal)
    response.writeHead(script.status, headersOf(script, timeScale))
    response.flushHeaders()
    for (const step of script.steps) await act(step, response, timeScale, signal)
    response.end()
  } catch {
    response.destroy()
  }
}

async function act(step: Step, response: ServerResponse, timeScale: number, signal: AbortSignal): Promise<void> {
  if (step.kind === 'send') response.write(step.body)
  if (step.kind === 'wait') await sleep(step.ms * timeScale, undefined, { signal })
  if (step.kind === 'hang') await forever(signal)
  if (step.kind === 'reset') {
    await sleep(FLUSH_MS, undefined, { signal })
    response.socket?.resetAndDestroy()
  }
}

function forever(signal: AbortSignal): Promise<void> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
}

/** The headers of a recorded answer of generativelanguage.googleapis.com, less those about HTTP/3. */
function headersOf(script: Script, timeScale: number): Record<string, string> {
  return {
    'content-type': script.contentType,
    ...(script.contentType === 'text/event-stream' ? { 'content-disposition': 'attachment' } : {}),
    vary: 'Origin, X-Origin, Referer',
    server: 'scaffolding on HTTPServer2',
    'server-timing': `gfet4t7; dur=${Math.round(script.thinkMs * timeScale)}`,
    'x-xss-protection': '0',
    'x-frame-options': 'SAMEORIGIN',
    'x-content-type-options': 'nosniff',
    'x-gemini-service-tier': 'standard',
  }
}
