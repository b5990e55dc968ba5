import { setTimeout as sleep } from 'node:timers/promises'
import type { AlertListener } from './alert-listener.ts'
import { ALARMING, CALMING, type Call } from './scenes.ts'
import { type Answer, send } from './traffic.ts'

export type AlertSceneOptions = { readonly apiUrl: string; readonly listener: AlertListener; readonly signal: AbortSignal }

/** The metrics come every second, the rules are looked at every second, the window is five long; a machine that is busy may need longer. */
const PATIENCE_MS = 20_000
const PAUSE_MS = 250

/** Goes on failing until the alert has gone out, then goes on well until it has ended. The answers are those of the calls that this took. */
export async function playAlert({ apiUrl, listener, signal }: AlertSceneOptions): Promise<readonly Answer[]> {
  const { notices } = listener
  async function playUntil(isDone: () => boolean, call: Call): Promise<readonly Answer[]> {
    const answers: Answer[] = []
    for (const deadline = Date.now() + PATIENCE_MS; !isDone() && !signal.aborted && Date.now() < deadline; ) {
      answers.push(await send(apiUrl, call, signal))
      await sleep(PAUSE_MS, undefined, { signal }).catch(() => {})
    }
    return answers
  }
  const alarming = await playUntil(() => notices.some(({ status }) => status === 'firing'), ALARMING)
  return [...alarming, ...(await playUntil(() => notices.at(-1)?.status === 'resolved', CALMING))]
}
