/**
 * A process that uses a spool, for tests that end it or set it against others.
 *
 *   node spool-child.ts MODE DIR NAME [bytesMax]
 *
 * It writes one line to stdout for each thing that has happened: `stored ID`, `acked ID` (before the ack), `claimed COUNT`, `stats JSON`.
 */
import { statSync, writeSync } from 'node:fs'
import { openSpool, type Spool } from '../../src/wire/spool.ts'
import { chunkOf, idOf, putSync, SPOOL_DEFAULTS, segmentFiles } from './spool-chunks.ts'

const [mode, dir, name, bytesMax] = process.argv.slice(2)
if (mode === undefined || dir === undefined || name === undefined) throw new Error('usage: spool-child.ts MODE DIR NAME [bytesMax]')
const say = (line: string) => writeSync(1, `${line}\n`)
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const modes: Readonly<Record<string, (spool: Spool) => Promise<void>>> = { busy, claim, fill, linger, visit }

if (name === 'nobody') process.setuid?.(65_534)
await modes[mode]!(openSpool({ ...SPOOL_DEFAULTS, dir, bytesMax: Number(bytesMax ?? SPOOL_DEFAULTS.bytesMax) }))

/** Appends and acknowledges at random, its own and what it found, until it is killed or told `stop`. */
async function busy(spool: Spool): Promise<void> {
  let stopped = false
  process.stdin.once('data', () => {
    stopped = true
  })
  for (let n = 0; !stopped; n++) {
    if (n % 10 === 0) say(`claimed ${await spool.claimOrphans()}`)
    const id = `${name}-${n}`
    const appended = await spool.append(chunkOf(id, { bytes: Math.ceil(Math.random() * 20_000) }))
    if (appended.kind === 'stored') {
      say(`stored ${id}`)
      if (Math.random() < 0.3) {
        say(`acked ${id}`)
        spool.ack(appended.entry)
      } else spool.release(appended.entry)
    }
    if (Math.random() < 0.3) await takeOne(spool)
  }
  process.stdin.destroy()
  await spool.close()
  say(`stats ${JSON.stringify(spool.stats())}`)
}

async function takeOne(spool: Spool): Promise<boolean> {
  const waiting = await spool.next()
  if (waiting === undefined) return false
  say(`acked ${idOf(waiting.chunk)}`)
  spool.ack(waiting.entry)
  return true
}

/** Claims when told, takes everything and ends. */
async function claim(spool: Spool): Promise<void> {
  say('ready')
  await new Promise((resolve) => process.stdin.once('data', resolve))
  say(`claimed ${await spool.claimOrphans()}`)
  while (await takeOne(spool));
  process.stdin.destroy()
  await spool.close()
  say(`stats ${JSON.stringify(spool.stats())}`)
}

/** Appends 4 MB to a disk that is smaller, reads what was kept, and appends again. */
async function fill(spool: Spool): Promise<void> {
  for (let n = 0; n < 200; n++) {
    const appended = await spool.append(chunkOf(`a${n}`, { bytes: 20_000 }))
    if (appended.kind === 'stored') spool.release(appended.entry)
  }
  const atRest = JSON.stringify(spool.stats())
  // Files that were dropped go a moment later.
  await pause(100)
  const diskBytes = segmentFiles(dir!).reduce((sum, path) => sum + statSync(path).size, 0)
  say(`stats ${atRest}`)
  putSync(spool, ...Array.from({ length: 10 }, (_, n) => chunkOf(`b${n}`, { bytes: 20_000 })))
  while (await takeOne(spool));
  say(`stats ${JSON.stringify(spool.stats())}`)
  say(`stats ${JSON.stringify({ diskBytes })}`)
  spool.closeSync()
}

/** Stores one chunk and lives until it is killed. */
async function linger(spool: Spool): Promise<void> {
  await spool.append(chunkOf(`${name}-0`))
  say(`stored ${name}-0`)
  await new Promise((resolve) => process.stdin.once('data', resolve))
  await pause(60_000)
}

/** Tries to store one chunk and says what came of it. */
async function visit(spool: Spool): Promise<void> {
  await spool.append(chunkOf('visit'))
  spool.closeSync()
  say(`stats ${JSON.stringify({ problem: spool.problem, ...spool.stats() })}`)
}
