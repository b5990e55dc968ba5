import { setTimeout as sleep } from 'node:timers/promises'
import { askCollector } from './ask-collector.ts'
import { type CommandResult, onOneLine } from './command.ts'
import { readWords } from './words.ts'

const HELP = `tts-otel-collector alerts test-fire NAME [--url URL]

Sends a notification that is marked as a test to the channels of a rule, and waits for what becomes of it.
Nothing fires and nothing is resolved.

  --url URL      the collector; default: where COLLECTOR_LISTEN says it listens. Asks with READ_TOKEN

Exit codes: 0 every channel has taken it, 1 one has not, or there is no such rule, 2 wrong usage.
`
/** A channel that does not answer is given up later than that; the log of deliveries (GET /api/alerts/deliveries) tells the end. */
const WAIT_MS_MAX = 20_000
const POLL_MS = 200

type Sent = { readonly id: string; readonly channels: readonly string[] }
type Ended = { readonly notification_id: string; readonly channel: string; readonly outcome: string; readonly error?: string }

/** Tries the channels of a rule out. */
export async function runAlertsTestFire(words: readonly string[]): Promise<CommandResult> {
  const { plain, options, problem } = readWords(words, { help: 'flag', url: 'value' })
  if (options.help) return { code: 0, stdout: HELP }
  const [name, ...others] = plain
  const wrong =
    problem ?? (name === undefined ? 'which rule?' : others.length > 0 ? `${others[0]} is too much: one name, in quotes` : undefined)
  if (wrong !== undefined || name === undefined) return { code: 2, stderr: `tts-otel-collector alerts test-fire: ${wrong}\n\n${HELP}` }
  const { url } = options
  const sent = (await askCollector(`/api/alerts/${encodeURIComponent(name)}/test`, { url, method: 'POST' })) as Sent
  const ended = await waitForEnds(sent, url)
  const lines = sent.channels.map((channel) => describe(channel, ended.get(channel)))
  const isTaken = sent.channels.every((channel) => ended.get(channel)?.outcome === 'delivered')
  return { code: isTaken ? 0 : 1, stdout: `${lines.join('\n')}\n` }
}

async function waitForEnds({ id, channels }: Sent, url: string | true | undefined): Promise<ReadonlyMap<string, Ended>> {
  for (const deadline = Date.now() + WAIT_MS_MAX; ; await sleep(POLL_MS)) {
    const { deliveries } = (await askCollector('/api/alerts/deliveries', { url })) as { readonly deliveries: readonly Ended[] }
    const ended = new Map(deliveries.filter((one) => one.notification_id === id).map((one) => [one.channel, one]))
    if (ended.size >= channels.length || Date.now() > deadline) return ended
  }
}

function describe(channel: string, end: Ended | undefined): string {
  if (end === undefined) return `${channel}: not taken yet, and tried again; GET /api/alerts/deliveries tells how it ends`
  return `${channel}: ${end.outcome === 'delivered' ? 'taken' : 'given up'}${end.error === undefined ? '' : `, ${onOneLine(end.error)}`}`
}
