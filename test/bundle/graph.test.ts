/** What `--import tts-otel/register` makes Node read before the app: the time that a start takes is the time to parse it. */
import { globSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { LATE } from '../../scripts/late.ts'

const dist = fileURLToPath(new URL('../../dist', import.meta.url))

/** The entry and what it imports, and so on; not what is imported later. */
function graphOf(file: string, found = new Map<string, string>()): ReadonlyMap<string, string> {
  if (found.has(file)) return found
  const source = readFileSync(file, 'utf8')
  found.set(file, source)
  for (const match of source.matchAll(/(?:\bfrom|^import|[;}]import)"(\.[^"]+)"/gm)) graphOf(join(dirname(file), match[1]!), found)
  return found
}

const bytesOf = (graph: ReadonlyMap<string, string>) => [...graph.values()].reduce((sum, source) => sum + Buffer.byteLength(source), 0)

/** Each file costs 0.3 ms, whatever is in it. */
const FILES_MAX = 2
/** 10 kB cost about 0.4 ms. Before you raise it: can what is new be loaded late (scripts/late.ts)? */
const BYTES_MAX = 310_000

test('register reads two small files', () => {
  const graph = graphOf(join(dist, 'register.js'))
  expect([...graph.keys()].map((file) => basename(file))).toHaveLength(FILES_MAX)
  expect(bytesOf(graph)).toBeGreaterThan(100_000) // or this test has lost its way
  expect(bytesOf(graph)).toBeLessThanOrEqual(BYTES_MAX)
})

test('an app that is registered and imports tts-otel reads two or three files more', () => {
  expect(graphOf(join(dist, 'index.js')).size).toBeLessThanOrEqual(4)
})

test('what is loaded late is in a file of its own, and requires nothing but other such files', () => {
  const others = new Set(LATE.map(({ name }) => `./${name}.cjs`))
  for (const { name } of LATE) {
    const required = readFileSync(join(dist, 'late', `${name}.cjs`), 'utf8').matchAll(/\brequire\("(?!node:)([^"]+)"\)/g)
    expect([...required].map((match) => match[1]!).filter((file) => !others.has(file))).toEqual([])
  }
})

test('what an app loads is ASCII: one other letter, and V8 keeps the whole file in twice the memory and reads it more slowly', () => {
  const others = globSync('{.,late,thread}/*.{js,cjs}', { cwd: dist }).filter((file) =>
    /[^\0-\x7f]/.test(readFileSync(join(dist, file), 'utf8')),
  )
  expect(others).toEqual([])
})
