/** Real processes that log 500 lines at once and end: nothing of it may be missing. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { runNode } from '../../support/run-node.ts'
import { makeFolder, numbersOf, readLines, sinkScript, tally, upTo } from '../support/log-folder.ts'

const REGISTER = fileURLToPath(new URL('../../../src/register.ts', import.meta.url))
const BURST = 'for (let i = 0; i < 500; i++) sink.write(line(i));'
/** Goes on until somebody ends it. */
const WAIT = 'setInterval(() => {}, 1_000); setTimeout(() => console.log("ready"));'

async function run(script: string, options: { readonly args?: readonly string[]; readonly kill?: NodeJS.Signals } = {}) {
  const path = join(makeFolder(), 'app.log')
  const { args = [], kill } = options
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', TTS_OTEL_SPOOL_MAX_MB: '0' }
  const ended = await runNode([...args, ...sinkScript({ path }, script)], { env, onReady: (child) => kill && void child.kill(kill) })
  return { ...ended, lines: readLines(path) }
}

/** What a signal does depends on who listens to it, so with and without those of the SDK. */
const LOADED = [
  ['without tts-otel/register', []],
  ['with tts-otel/register', ['--import', REGISTER]],
] as const

test.each([
  ['natural end', BURST, 0],
  ['process.exit', `${BURST} process.exit(3)`, 3],
  ['an uncaught error', `${BURST} throw new Error('mine')`, 1],
  ['an unhandled rejection', `${BURST} Promise.reject(new Error('mine'))`, 1],
  ['process.exit in an exit listener of the app', `process.on('exit', () => { ${BURST} process.exit(4) })`, 4],
  ['an error in an exit listener of the app', `process.on('exit', () => { ${BURST} throw new Error('mine') })`, 1],
])('%s', async (_, script, code) => {
  const ended = await run(script)
  expect({ code: ended.code, found: tally(numbersOf(ended.lines), 500) }).toEqual({ code, found: '500 whole lines' })
})

describe.each(LOADED)('%s', (_, args) => {
  test('process.exit, and lines of exit listeners', async () => {
    const ended = await run(`process.on('exit', () => { for (let i = 500; i < 600; i++) sink.write(line(i)) }); ${BURST} process.exit()`, {
      args,
    })
    expect(tally(numbersOf(ended.lines), 600)).toBe('600 whole lines')
  })

  test.each(['SIGTERM', 'SIGINT'] as const)('%s that nobody handles', async (signal) => {
    const ended = await run(`${BURST} ${WAIT}`, { args, kill: signal })
    expect({ signal: ended.signal, found: tally(numbersOf(ended.lines), 500) }).toEqual({ signal, found: '500 whole lines' })
  })

  test.each(['SIGTERM', 'SIGINT'] as const)('%s in the middle of a burst', async (signal) => {
    const ended = await run(
      `${BURST} process.kill(process.pid, '${signal}'); for (let i = 500; i < 900; i++) sink.write(line(i)); ${WAIT}`,
      { args },
    )
    expect({ signal: ended.signal, found: tally(numbersOf(ended.lines), 900) }).toEqual({ signal, found: '900 whole lines' })
  })

  test('SIGTERM with a handler of the app, which logs on its way out', async () => {
    const handler = `process.on('SIGTERM', () => { ${BURST} process.exit(7) });`
    const ended = await run(`${handler} ${WAIT}`, { args, kill: 'SIGTERM' })
    expect({ code: ended.code, found: tally(numbersOf(ended.lines), 500) }).toEqual({ code: 7, found: '500 whole lines' })
  })

  test('SIGTERM with a handler that finishes its work and raises the signal again', async () => {
    const handler = `process.once('SIGTERM', () => { ${BURST} setTimeout(() => { sink.write(line(500)); process.kill(process.pid, 'SIGTERM') }, 50) });`
    const ended = await run(`${handler} ${WAIT}`, { args, kill: 'SIGTERM' })
    expect({ signal: ended.signal, found: tally(numbersOf(ended.lines), 501) }).toEqual({ signal: 'SIGTERM', found: '501 whole lines' })
  })
})

test('without a burst SIGTERM ends code that never returns, as if there were no log', async () => {
  const ended = await run(`sink.write(line(0)); console.log('ready'); for (;;);`, { kill: 'SIGTERM' })
  expect(ended).toMatchObject({ signal: 'SIGTERM', lines: ['line 0 '] })
})

test('registration after the first burst: one listener for both, and the process dies of SIGTERM', async () => {
  const late = `await import(${JSON.stringify(`file://${REGISTER}`)})`
  const ended = await run(`${BURST} await new Promise(setImmediate); ${late}; console.log(process.listenerCount('SIGTERM')); ${WAIT}`, {
    kill: 'SIGTERM',
  })
  expect(ended).toMatchObject({ signal: 'SIGTERM', stdout: '1\nready\n' })
})

test('SIGKILL takes nothing of code that has returned, nor the first lines of code that has not', async () => {
  const turns = `for (let turn = 0; turn < 20; turn++) { for (let i = 0; i < 40; i++) sink.write(line(turn * 40 + i)); await new Promise(process.nextTick) }`
  const last = `await new Promise((resolve) => setTimeout(resolve, 5)); for (let i = 800; i < 808; i++) sink.write(line(i)); process.kill(process.pid, 'SIGKILL')`
  const ended = await run(`${turns} ${last}`)
  expect({ signal: ended.signal, found: tally(numbersOf(ended.lines), 808) }).toEqual({ signal: 'SIGKILL', found: '808 whole lines' })
})

test('SIGKILL in the middle of a burst takes whole lines of its end, 16 KB at most', async () => {
  const ended = await run(`for (let i = 0; i < 5_000; i++) sink.write(line(i)); process.kill(process.pid, 'SIGKILL')`)
  const numbers = numbersOf(ended.lines)
  expect(numbers).toEqual(upTo(numbers.length))
  const lost = upTo(5_000).slice(numbers.length)
  expect(lost.reduce((bytes, i) => bytes + `line ${i} \n`.length + (i % 150), 0)).toBeLessThanOrEqual(16_384)
})

test('a sink does not hold the process, nor is its timer of a failing disk', async () => {
  const startMs = performance.now()
  const ended = await run(`sink.write(line(0)); const full = createFileSink({ path: '/dev/full' }); full.write(line(1))`)
  expect(ended).toMatchObject({ code: 0, lines: ['line 0 '] })
  expect(performance.now() - startMs).toBeLessThan(5_000)
  expect(ended.stderr.split('\n')[0]).toBe(
    'tts-otel: the log file /dev/full cannot be written: ENOSPC: no space left on device, write; make room on its disk (LOG_FILE_PATH or logging.yaml). Lines wait for 10 s.',
  )
})

test('twenty files do not make Node warn of a leak of listeners', async () => {
  const many = `for (let i = 0; i < 20; i++) createFileSink({ path: ${JSON.stringify(makeFolder())} + '/' + i + '.log' }).write(line(i));`
  const ended = await run(`for (let i = 0; i < 10; i++) process.on('exit', () => {}); ${many} sink.write(line(0))`)
  expect(ended).toMatchObject({ code: 0, stderr: '' })
})

test('the thread of a worker ends: its lines are there', async () => {
  const folder = makeFolder()
  const path = join(folder, 'worker.log')
  const [, , source] = sinkScript({ path }, BURST)
  const script = `import { Worker } from 'node:worker_threads'; new Worker(${JSON.stringify(source)}, { eval: true })`
  await runNode(['--input-type=module', '--eval', script])
  expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(501)
})
