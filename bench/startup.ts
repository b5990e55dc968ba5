/**
 * Start-up: from spawn to the first line of an empty ESM app that then exits. Rounds are interleaved, medians printed.
 *
 *   npm run bench:startup -- [rounds, default 15]
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { figure, table, tellResults, words } from './results.ts'
import { describePeers, installPeers, listSetups, median, type Setup } from './setups.ts'

const rounds = Number(words[0] ?? 15)
const app = fileURLToPath(new URL('apps/empty.mjs', import.meta.url))

installPeers()
const setups = listSetups()
const times = new Map<Setup, number[]>(setups.map((setup) => [setup, []]))
for (let round = 0; round < rounds; round++) for (const setup of setups) times.get(setup)!.push(await firstLineMs(setup))

const bare = median(times.get(setups[0]!)!)
const rows = [...times].map(([setup, values]) => {
  const ms = median(values)
  return [setup.name, figure(ms), setup === setups[0] ? '' : figure(ms - bare)]
})
tellResults({
  title: 'Start-up',
  script: 'bench:startup',
  text: `Median ms from spawn to the first line of an empty ESM app, ${rounds} interleaved rounds; no collector listens. ${describePeers()}

${table(['set-up', 'ms', 'added'], rows)}`,
})

function firstLineMs({ name, flags, env }: Setup): Promise<number> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, [...flags, app], {
    // A port where nobody listens: the start-up of the exporters counts, not a collector's.
    env: { PATH: process.env.PATH ?? '', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', () => reject(new Error(`${name}: the app ended before its first line`)))
    child.stdout.once('data', () => resolve(performance.now() - startedAt))
  })
}
