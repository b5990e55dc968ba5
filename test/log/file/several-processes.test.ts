import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runNode } from '../../support/run-node.ts'
import { makeFolder, numbersOf, openSink, readAll, readLines, sinkScript, tally } from '../support/log-folder.ts'

test('two processes write 20,000 lines each into one log that rotates at 100 kB: each line is there once, none is torn', async () => {
  const folder = makeFolder()
  const options = { path: join(folder, 'app.log'), bytesMax: 100_000, archivesMax: 100 }
  // In batches, so that both go on at the same time and compress in between.
  const write = `for (let i = 0; i < 20_000; i++) { sink.write(line(i, process.argv[1])); if (i % 100 === 99) await new Promise((resolve) => setTimeout(resolve, 25)) }`
  const ended = await Promise.all(['a', 'b'].map((name) => runNode([...sinkScript(options, write), name])))
  expect(ended).toMatchObject([
    { code: 0, stderr: '' },
    { code: 0, stderr: '' },
  ])

  const lines = readAll(folder)
  expect(['a', 'b'].map((name) => tally(numbersOf(lines, name), 20_000))).toEqual(['20000 whole lines', '20000 whole lines'])
  const backups = readdirSync(folder).filter((name) => /log\.\d$/.test(name))
  expect(backups).toEqual([1, 2, 3, 4, 5].map((number) => `app.log.${number}`))
  const names = readdirSync(folder)
  expect(names.filter((name) => name.includes('.lock'))).toEqual([])
  expect(names.filter((name) => name.endsWith('.gz')).length, 'some were compressed meanwhile').toBeGreaterThan(0)
})

test('a process that has gone idle writes into the present file when it wakes up', async () => {
  const folder = makeFolder()
  const path = join(folder, 'app.log')
  let nowMs = 0
  const idle = openSink({ path, bytesMax: 1_000, nowMs: () => nowMs })
  idle.write('line 0 \n')
  const busy = openSink({ path, bytesMax: 1_000 })
  for (let i = 1; i < 100; i++) busy.write(`line ${i} ${'x'.repeat(i % 150)}\n`)
  busy.flush()
  nowMs += 500
  idle.write(`line 100 ${'x'.repeat(100)}\n`)
  expect(tally(numbersOf(readAll(folder)), 101)).toBe('101 whole lines')
  expect(readLines(path).at(-1)).toContain('line 100')
})
