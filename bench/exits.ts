/**
 * Seven ways for a process to end × a collector that is up, down or hangs: what each set-up delivers, now and after the next start, and
 * whether the app still ends as it would by itself.
 *
 *   npm run bench:exits -- [set-up …, default all]
 *
 * The app makes 20 spans and 20 log records, and ends at once. Everything has its defaults.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { countStored, endApp, RECORDS, startAgain, WAYS, type Way } from '../test/fault/support/ending.ts'
import { hanging, startCountingReceiver, up } from '../test/support/counting-receiver.ts'
import type { Ended } from '../test/support/run-node.ts'
import { table, tellResults, words } from './results.ts'
import { describePeers, installPeers, listSetups, peersRequire, type Setup } from './setups.ts'

const STATES = ['up', 'down', 'hanging'] as const
type State = (typeof STATES)[number]

/** The official set-ups end within 10 s or never. */
const END_MS_MAX = 20_000

const ways = WAYS.filter(({ does, isSudden }) => !isSudden && ['natural', 'exit', 'throw', 'reject', 'signal', 'handler'].includes(does))
installPeers()
const all = listSetups().filter(({ name }) => name !== 'bare' && name !== 'stock, ESM hook')
const setups = words.length === 0 ? all : all.filter(({ name }) => words.includes(name))

type Cell = { readonly text: string; readonly isRight: boolean }

const bare = new Map<Way, Ended>()
for (const way of ways) bare.set(way, (await endApp(way, { env: { BENCH_OTEL_FROM: peersRequire } })).ended)
const cells = new Map<string, Cell>()
for (const setup of setups)
  for (const state of STATES) for (const way of ways) cells.set(`${setup.name} ${state} ${way.name}`, await measure(setup, way, state))

tellResults({
  title: 'The end of a process',
  script: 'bench:exits',
  text: `Spans + log records of ${RECORDS} + ${RECORDS} that arrived, and seconds to the end; in bold: all of them arrived, at the latest with the next start, and the app ended as it does without telemetry. The app makes them and ends at once; everything has its defaults. ${describePeers()}

${setups.map(({ name }) => describe(name)).join('\n\n')}`,
})

function describe(setup: string): string {
  const rows = ways.map((way) => ({ way, cells: STATES.map((state) => cells.get(`${setup} ${state} ${way.name}`)!) }))
  const right = rows.flatMap(({ cells }) => cells).filter(({ isRight }) => isRight).length
  return table(
    [`${setup}: ${right} of ${ways.length * STATES.length}`, ...STATES.map((state) => `collector ${state}`)],
    rows.map(({ way, cells }) => [way.name, ...cells.map(({ text }) => text)]),
  )
}

async function measure(setup: Setup, way: Way, state: State): Promise<Cell> {
  const receiver = await startCountingReceiver({ behaviour: state === 'hanging' ? hanging : up })
  if (state === 'down') await receiver.stop()
  const spool = mkdtempSync(join(tmpdir(), 'tts-otel-exits-'))
  const env = { BENCH_OTEL_FROM: peersRequire, ...setup.env, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, TTS_OTEL_SPOOL_DIR: spool }
  const { ended, ms } = await endApp(way, { flags: setup.flags, env, timeoutMs: END_MS_MAX })
  const now = countStored(receiver)
  receiver.behave(up)
  await receiver.start()
  await startAgain({ flags: setup.flags, env })
  await receiver.stop()
  rmSync(spool, { recursive: true, force: true })
  const later = countStored(receiver)

  const never = ended.signal === 'SIGKILL'
  const asBare = !never && statusOf(ended) === statusOf(bare.get(way)!)
  const isRight = asBare && later.spans === RECORDS && later.logs === RECORDS
  const arrived = `${now.spans} + ${now.logs}`
  const afterNext = later.spans + later.logs > now.spans + now.logs ? ` (next start: ${later.spans} + ${later.logs})` : ''
  const end = never ? 'never ends' : `${(ms / 1_000).toFixed(1)} s${asBare ? '' : `, status ${statusOf(ended)}`}`
  const text = `${arrived}${afterNext}, ${end}`
  return { text: isRight ? `**${text}**` : text, isRight }
}

/** As a shell shows it. */
function statusOf({ code, signal }: Ended): number | null {
  return signal === null ? code : 128 + constants.signals[signal]
}
