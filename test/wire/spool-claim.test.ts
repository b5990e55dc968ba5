import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { openTestSpool, put, takeAll, tempDir } from '../support/spool.ts'
import { chunkOf, putSync, totals, unaccounted } from '../support/spool-chunks.ts'

const program = fileURLToPath(new URL('../support/spool-child.ts', import.meta.url))

test('the chunks of a process that was killed are there for its neighbour at once', async () => {
  const dir = tempDir()
  const killed = startChild('linger', dir, 'killed')
  await killed.line('stored')
  const neighbour = openTestSpool({ dir })
  expect(await neighbour.claimOrphans()).toBe(0)
  await killed.kill()
  expect(await neighbour.claimOrphans()).toBe(1)
  // From now on others must see that it is kept.
  expect(readdirSync(dir).filter((name) => name.endsWith('.alive'))).toHaveLength(1)
  expect(await takeAll(neighbour)).toEqual(['killed-0'])
  await neighbour.close()
  expect(readdirSync(dir)).toEqual([])
})

test('of two processes that claim the same directories at once each gets what the other does not', async () => {
  const dir = tempDir()
  for (let i = 0; i < 20; i++) {
    const spool = openTestSpool({ dir })
    await put(spool, chunkOf(`c${i}`))
    await spool.close()
  }
  const rivals = ['one', 'two'].map((name) => startChild('claim', dir, name))
  for (const rival of rivals) await rival.line('ready')
  for (const rival of rivals) rival.go()
  for (const rival of rivals) await rival.line('stats')
  const ids = rivals.flatMap(({ lines }) => lines.filter((line) => line.startsWith('acked ')))
  expect(ids.sort()).toEqual(Array.from({ length: 20 }, (_, i) => `acked c${i}`).sort())
  expect(readdirSync(dir)).toEqual([])
})

test.each([
  ['that beats', 0, 0],
  ['that beat 20 s ago', -20_000, 0],
  ['that has not beaten for 40 s', -40_000, 1],
  ['whose last heartbeat is from before the clock was set back', 3_600_000, 1],
])('the directory of a process on another host %s', async (_name, beatMs, claimed) => {
  const dir = tempDir()
  const name = await leaveAs(dir, 'elsewhere_0badcafe_1_4711')
  const heartbeat = heartbeatOf(dir, name)
  const at = (Date.now() + beatMs) / 1_000
  writeFileSync(heartbeat, '.')
  utimesSync(heartbeat, at, at)
  const spool = openTestSpool({ dir })
  expect(await spool.claimOrphans()).toBe(claimed)
  expect(await takeAll(spool)).toEqual(claimed === 1 ? ['left'] : [])
  await spool.close()
  expect(readdirSync(dir)).toHaveLength(claimed === 1 ? 0 : 2)
})

test('a process id that another process has now does not keep a directory', async () => {
  const dir = tempDir()
  const spool = openTestSpool({ dir })
  await put(spool, chunkOf('mine'))
  const [, host, space, pid, start] = readdirSync(dir)
    .find((name) => !name.endsWith('.alive'))!
    .split('_')
  const name = await leaveAs(dir, [host, space, pid, Number(start) - 1].join('_'))
  writeFileSync(heartbeatOf(dir, name), '.')
  const neighbour = openTestSpool({ dir })
  expect(await neighbour.claimOrphans()).toBe(1)
  expect(await takeAll(neighbour)).toEqual(['left'])
})

test('a process that was frozen for so long that a neighbour took its directory goes on in a new one', async () => {
  const dir = tempDir()
  const frozen = openTestSpool({ dir })
  const sending = await frozen.append(chunkOf('sending', { items: 2 }))
  await put(frozen, chunkOf('waiting', { items: 3 }))
  freeze(dir)
  const neighbour = openTestSpool({ dir })
  expect(await neighbour.claimOrphans()).toBe(1)
  await put(frozen, chunkOf('new'))
  if (sending.kind === 'stored') frozen.ack(sending.entry)
  expect(await takeAll(frozen)).toEqual(['new'])
  expect(totals(frozen.stats())).toMatchObject({ appended: 6, acked: 3, taken: 3, waiting: 0 })
  // It cannot know that the owner has meanwhile sent one of them.
  expect(await takeAll(neighbour)).toEqual(['sending', 'waiting'])
  expect([...unaccounted(frozen.stats()), ...unaccounted(neighbour.stats())]).toEqual([0, 0, 0, 0, 0, 0])
})

test('the last breath of a process whose directory was taken is not lost', async () => {
  const dir = tempDir()
  const frozen = openTestSpool({ dir })
  await put(frozen, chunkOf('taken'))
  freeze(dir)
  const neighbour = openTestSpool({ dir })
  await neighbour.claimOrphans()
  expect(putSync(frozen, chunkOf('last'))).toBe(1)
  frozen.closeSync()
  expect(await neighbour.claimOrphans()).toBe(1)
  expect((await takeAll(neighbour)).sort()).toEqual(['last', 'taken'])
})

test('what waits for another destination is left alone, until nobody can want it any more', async () => {
  const dir = tempDir()
  const theirs = openTestSpool({ dir, destination: 'https://elsewhere.example' })
  await put(theirs, chunkOf('theirs', { items: 4 }))
  await theirs.close()
  const ours = openTestSpool({ dir, ageMsMax: 60_000 })
  expect(await ours.claimOrphans()).toBe(0)
  const longAgo = Date.now() / 1_000 - 120
  utimesSync(join(dir, readdirSync(dir).find((name) => !name.endsWith('.alive'))!), longAgo, longAgo)
  expect(await ours.claimOrphans()).toBe(1)
  expect(await takeAll(ours)).toEqual([])
  expect(totals(ours.stats())).toMatchObject({ found: 4, waiting: 0, dropped: { expired: 4 } })
  await ours.close()
  expect(readdirSync(dir)).toEqual([])
})

test('what a claimer does not deliver passes on when it is killed as well', async () => {
  const dir = tempDir()
  await leaveAs(dir, 'elsewhere_0badcafe_1_4711')
  const claimer = startChild('linger', dir, 'claimer')
  await claimer.line('stored')
  const own = readdirSync(dir).find((name) => name.includes('_') && !name.endsWith('.alive') && !name.includes('elsewhere'))!
  // As the claimer itself would have renamed it.
  renameSync(
    join(dir, readdirSync(dir).find((name) => name.includes('elsewhere') && !name.endsWith('.alive'))!),
    join(dir, own.replace(/_0$/, '_1')),
  )
  await claimer.kill()
  const last = openTestSpool({ dir })
  expect(await last.claimOrphans()).toBe(2)
  expect((await takeAll(last)).sort()).toEqual(['claimer-0', 'left'])
})

test('two processes that append, claim and deliver in one directory lose and double nothing', async () => {
  const dir = tempDir()
  const pair = ['one', 'two'].map((name) => startChild('busy', dir, name))
  for (const child of pair) await child.line('stored')
  await new Promise((resolve) => setTimeout(resolve, 800))
  for (const child of pair) child.go()
  for (const child of pair) await child.line('stats')
  const last = openTestSpool({ dir })
  await last.claimOrphans()
  const rest = await takeAll(last)
  const said = (word: string) =>
    pair.flatMap(({ lines }) => lines.flatMap((line) => (line.startsWith(word) ? [line.slice(word.length)] : [])))
  const delivered = [...said('acked '), ...rest].sort()
  expect(delivered).toEqual(said('stored ').sort())
  expect(delivered.length).toBeGreaterThan(50)
  for (const stats of said('stats ')) expect(unaccounted(JSON.parse(stats))).toEqual([0, 0, 0])
})

/** Leaves one chunk in a directory of another owner: host, space, pid and start. */
async function leaveAs(dir: string, owner: string): Promise<string> {
  const before = new Set(readdirSync(dir))
  const spool = openTestSpool({ dir })
  await put(spool, chunkOf('left'))
  await spool.close()
  const free = readdirSync(dir).find((name) => !before.has(name))!
  const name = `${free.split('_')[0]}_${owner}_0123abcd_0`
  renameSync(join(dir, free), join(dir, name))
  return name
}

function heartbeatOf(dir: string, name: string): string {
  return join(dir, `${name.replace(/^[^_]+_(.*)_\d+$/, '$1')}.alive`)
}

/** Makes every heartbeat as old as if its process had stood still for two minutes. */
function freeze(dir: string): void {
  for (const name of readdirSync(dir)) {
    const at = statSync(join(dir, name)).mtimeMs / 1_000 - 120
    if (name.endsWith('.alive')) utimesSync(join(dir, name), at, at)
  }
}

type Child = {
  readonly lines: string[]
  /** Resolves when a line begins with `word`. */
  line(word: string): Promise<void>
  go(): void
  kill(): Promise<void>
}

function startChild(mode: string, dir: string, name: string): Child {
  const child: ChildProcess = spawn(process.execPath, [program, mode, dir, name], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines: string[] = []
  const reader = createInterface({ input: child.stdout! }).on('line', (line) => lines.push(line))
  return {
    lines,
    line: (word) =>
      new Promise((resolve, reject) => {
        const check = () => lines.some((line) => line.startsWith(word)) && resolve()
        reader.on('line', check)
        reader.on('close', () => reject(new Error(`the child ended before it said ${word}`)))
        check()
      }),
    go: () => void child.stdin!.write('go\n'),
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
