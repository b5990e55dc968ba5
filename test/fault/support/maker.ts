import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { SignalHealth, TelemetryHealth } from '../../../src/delivery/stats.ts'

/** A child process that makes spans and as many log records when it is told to. */
export type Maker = {
  readonly pid: number
  /** In one turn; `text` becomes an attribute of each. Resolves to how many of each there are so far. */
  readonly make: (count: number, text?: string) => Promise<number>
  readonly makeSteadily: (perSecond: number, seconds: number) => Promise<number>
  /** `getTelemetryHealth()` of the child. */
  readonly health: () => Promise<TelemetryHealth>
  readonly memory: () => Promise<NodeJS.MemoryUsage>
  /** Lets it end by itself; resolves to what it has written on stderr. */
  readonly end: () => Promise<string>
}

const app = fileURLToPath(new URL('../../fixtures/fault/maker.mjs', import.meta.url))
const register = fileURLToPath(new URL('../../../register.js', import.meta.url))

/** Starts a maker under the built bundle. It ends by itself when this process ends. */
export function startMaker(env: Readonly<Record<string, string>>): Maker {
  const child = fork(app, { execArgv: ['--import', register], env: { PATH: process.env.PATH ?? '', ...env }, silent: true })
  const answers = new Map<number, (answer: never) => void>()
  let asked = 0
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  child.on('message', ({ id, answer }: { id: number; answer: never }) => {
    answers.get(id)?.(answer)
    answers.delete(id)
  })
  const closed = once(child, 'close')

  async function ask<T>(command: string, options: object = {}): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<T>()
    answers.set(++asked, resolve)
    child.send({ id: asked, command, ...options })
    const died = closed.then(() => {
      throw new Error(`the maker died: ${stderr}`)
    })
    return Promise.race([promise, died])
  }

  return {
    pid: child.pid ?? 0,
    make: (count, text = '') => ask('make', { count, text }),
    makeSteadily: (perSecond, seconds) => ask('makeSteadily', { perSecond, seconds }),
    health: () => ask('health'),
    memory: () => ask('memory'),
    async end() {
      if (child.connected) child.send({ id: 0, command: 'end' })
      await closed
      return stderr
    },
  }
}

/** Items lost so far, by reason; reasons without losses are left out. */
export function lossesOf({ dropped }: Pick<SignalHealth, 'dropped'>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(dropped).filter(([, items]) => items > 0))
}
