/** A folder for log files, and what a reader finds in it. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { afterAll } from 'vitest'
import { createFileSink, type FileSink, type FileSinkOptions } from '../../../src/log/file.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const folders: string[] = []
const sinks: FileSink[] = []

afterAll(() => {
  for (const sink of sinks.splice(0)) sink.close()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** Removed after the tests of the file. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tts-otel-logs-'))
  folders.push(folder)
  return folder
}

export type Opened = FileSink & { readonly drops: Map<string, number>; readonly warnings: string[] }

/** A sink that is closed after the tests of the file, with what it dropped and said. */
export function openSink(options: FileSinkOptions): Opened {
  const drops = new Map<string, number>()
  const warnings: string[] = []
  const sink = createFileSink({
    onDrop: (reason, lines) => void drops.set(reason, (drops.get(reason) ?? 0) + lines),
    warn: (message) => void warnings.push(message),
    ...options,
  })
  sinks.push(sink)
  return { ...sink, drops, warnings }
}

/** All lines of all files of a folder, unpacked. Throws where a file ends in half a line. */
export function readAll(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => readLines(join(folder, name)))
}

export function readLines(path: string): string[] {
  const bytes = readFileSync(path)
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()
  if (text !== '' && !text.endsWith('\n')) throw new Error(`${path} ends in half a line: ${text.slice(-80)}`)
  return text.split('\n').slice(0, -1)
}

/** Source for `node --input-type=module --eval`: it has `sink`, made with `options`, and `line(i)`. */
export function sinkScript(options: FileSinkOptions, script: string): string[] {
  const source = `import { createFileSink } from ${JSON.stringify(`${ROOT}src/log/file.ts`)}
    const sink = createFileSink(${JSON.stringify(options)})
    const line = (i, name = 'line') => name + ' ' + i + ' ' + 'x'.repeat(i % 150) + '\\n'
    ${script}`
  return ['--input-type=module', '--eval', source]
}

/** The numbers of the lines of `sinkScript`, sorted; throws when one of them is not whole. */
export function numbersOf(lines: readonly string[], name = 'line'): number[] {
  const numbers = lines.flatMap((line) => {
    const [, written, number, rest] = /^(\S+) (\d+) (x*)$/.exec(line) ?? []
    if (rest?.length !== Number(number) % 150) throw new Error(`torn: ${line}`)
    return written === name ? [Number(number)] : []
  })
  return numbers.sort((a, b) => a - b)
}

/** `500 whole lines` when each number below `count` is there once; else what is missing or twice. */
export function tally(numbers: readonly number[], count: number): string {
  const found = new Set(numbers)
  const missing = upTo(count).filter((number) => !found.has(number))
  const twice = numbers.filter((number, index) => numbers[index - 1] === number)
  const wrong = (what: string, which: readonly number[]): string =>
    which.length > 0 ? `, ${which.length} ${what}: ${which.slice(0, 5)}` : ''
  return `${numbers.length} whole lines${wrong('missing', missing)}${wrong('twice', twice)}`
}

export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}

/** Polls until `isSo`, for ten seconds at most; the assertion that follows says what is wrong. */
export async function until(isSo: () => boolean): Promise<void> {
  for (let waited = 0; !isSo() && waited < 10_000; waited += 50) await sleep(50)
}
