import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { createLineWriter } from '../../src/log/console.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

/** A process that runs `script` after it has made `log`. */
function run(script: string, env: Readonly<Record<string, string>> = {}) {
  const source = `import { getLogger } from './src/log/logger.ts'; const log = getLogger('app.tts'); ${script}`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
    cwd: root,
    env: { PATH: process.env.PATH ?? '', TZ: 'UTC', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  return { child, stderr: () => stderr }
}

async function outputOf({ child, stderr }: ReturnType<typeof run>) {
  let stdout = ''
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  const [code, signal] = await once(child, 'close')
  return { code, signal, stdout, stderr: stderr(), lines: stdout.split('\n').filter(Boolean) }
}

test('LOG_LEVEL and LOG_FORMAT decide what is on stdout', async () => {
  const script = `log.debug('d'); log.info('i', { n: 1 }); log.warning('w')`
  const json = await outputOf(run(script, { LOG_LEVEL: 'warn' }))
  expect(json.lines.map((line) => JSON.parse(line).message)).toEqual(['w'])
  const text = await outputOf(run(script, { LOG_LEVEL: 'Debug', LOG_FORMAT: 'text' }))
  expect(text.lines.map((line) => line.slice(19))).toEqual([
    ' - app.tts - DEBUG - d',
    ' - app.tts - INFO - i n=1',
    ' - app.tts - WARNING - w',
  ])
  expect(text.stderr).toBe('')
})

const dieOf = (signal: string) => `process.kill(process.pid, '${signal}'); await new Promise((resolve) => setTimeout(resolve, 10_000))`

test.each<[end: string, script: string, code: number | null, signal: string | null]>([
  ['process.exit', `process.exit(3)`, 3, null],
  ['an uncaught error', `throw new Error('mine')`, 1, null],
  ['an unhandled rejection', `Promise.reject(new Error('mine')); setInterval(() => {}, 1_000)`, 1, null],
  ['a natural end', '', 0, null],
  ['SIGTERM', dieOf('SIGTERM'), null, 'SIGTERM'],
  ['SIGINT', dieOf('SIGINT'), null, 'SIGINT'],
  ['SIGKILL', dieOf('SIGKILL'), null, 'SIGKILL'],
])('lines written before %s are all there', async (_, end, code, signal) => {
  const ended = await outputOf(run(`for (let i = 0; i < 500; i++) log.info('line', { i }); ${end}`))
  expect(ended).toMatchObject({ code, signal })
  expect(ended.lines.map((line) => JSON.parse(line).i)).toEqual(Array.from({ length: 500 }, (_, index) => index))
})

test('lines stand in their order among those of console.log and process.stdout', async () => {
  // So few that they fit into the pipe however slow the reader is: when it is full, ours wait and those of the console block.
  const { lines } = await outputOf(
    run(`for (let i = 0; i < 90; i += 3) { log.info('line', { i }); console.log(i + 1); process.stdout.write(i + 2 + '\\n') }`),
  )
  expect(lines.map((line) => (line.startsWith('{') ? JSON.parse(line).i : Number(line)))).toEqual(
    Array.from({ length: 90 }, (_, index) => index),
  )
})

test('a reader that goes away does not end the process', async () => {
  const running = run(`setInterval(() => log.info('still here'), 1); setTimeout(() => { console.error('alive'); process.exit(0) }, 300)`)
  await once(running.child.stdout!, 'data')
  running.child.stdout!.destroy()
  expect(await once(running.child, 'close')).toEqual([0, null])
  expect(running.stderr()).toBe('alive\n')
})

test('a pipe that does not block and is full: lines wait and come in order, also those of the last moment', async () => {
  // What another part of the process can do to a shared descriptor; the log must live with it.
  const setNonBlocking = `const { Socket } = await import('node:net'); new Socket({ fd: 1 }); const { writeSync } = await import('node:fs');`
  const fill = `let full = ''; try { for (;;) writeSync(1, ' '.repeat(4096)) } catch (error) { full = error.code } console.error(full);`
  const running = run(
    `${setNonBlocking} ${fill} for (let i = 0; i < 4000; i++) log.info('line', { i, full }); setTimeout(() => process.exit(0), 250)`,
  )
  await once(running.child.stderr!, 'data')
  await sleep(300)
  const { lines, code } = await outputOf(running)
  const records = lines.map((line) => JSON.parse(line))
  expect(code).toBe(0)
  expect(records[0].full, 'the pipe was full').toBe('EAGAIN')
  expect(records.map(({ i }) => i)).toEqual(Array.from({ length: 4_000 }, (_, index) => index))
})

/** A descriptor that takes `room` bytes and is full then. */
function narrow(room: number) {
  const state = { room, written: '', error: 'EAGAIN' }
  const write = (_: number, bytes: Uint8Array): number => {
    if (state.room === 0) throw Object.assign(new Error(state.error), { code: state.error })
    const taken = Math.min(state.room, bytes.length)
    state.room -= taken
    state.written += Buffer.from(bytes.subarray(0, taken)).toString()
    return taken
  }
  return { state, write }
}

test('half a line that the descriptor took is completed before the next one', async () => {
  const { state, write } = narrow(5)
  const drops: string[] = []
  const writeLine = createLineWriter({ fd: 99, write, onDrop: (reason) => void drops.push(reason) })
  writeLine('first line\n')
  writeLine('second line\n')
  expect(state.written).toBe('first')
  state.room = 1_000
  await expect.poll(() => state.written).toBe('first line\nsecond line\n')
  writeLine('third line\n')
  expect(state.written).toBe('first line\nsecond line\nthird line\n')
  expect(drops).toEqual([])
})

test('a reader that stays away costs at most a megabyte; the rest is counted', () => {
  const { write } = narrow(0)
  const drops: string[] = []
  const writeLine = createLineWriter({ fd: 99, write, onDrop: (reason) => void drops.push(reason) })
  for (let i = 0; i < 1_100; i++) writeLine(`${'x'.repeat(1_023)}\n`)
  expect(drops).toHaveLength(1_100 - 1_024)
  expect(new Set(drops)).toEqual(new Set(['full']))
})

test('lines that wait for a reader who then goes away are counted one by one', async () => {
  const { state, write } = narrow(0)
  const drops: string[] = []
  const writeLine = createLineWriter({ fd: 99, write, onDrop: (reason) => void drops.push(reason) })
  for (const line of ['one\n', 'two\n', 'three\n']) writeLine(line)
  state.error = 'EPIPE'
  await expect.poll(() => drops).toEqual(['EPIPE', 'closed', 'closed'])
})

test('a closed descriptor is not tried again, a failing disk is', () => {
  const { state, write } = narrow(0)
  const drops: string[] = []
  const writeLine = createLineWriter({ fd: 99, write, onDrop: (reason) => void drops.push(reason) })
  state.error = 'ENOSPC'
  writeLine('lost\n')
  state.room = 100
  writeLine('kept\n')
  state.room = 0
  state.error = 'EPIPE'
  writeLine('lost\n')
  state.room = 100
  writeLine('lost\n')
  expect(state.written).toBe('kept\n')
  expect(drops).toEqual(['ENOSPC', 'EPIPE', 'closed'])
})
