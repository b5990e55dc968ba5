import type { Paint } from './paint.ts'

/** Tells what is going on, one line for a step. */
export type Progress = {
  /** Shows what begins; when `work` is done, adds on the same line what it `said` and the time it took. */
  readonly step: <T extends { readonly said: string }>(name: string, doing: string, work: () => Promise<T>) => Promise<T>
  /** A line for what needs no work. */
  readonly note: (name: string, text: string) => void
  readonly line: (text: string) => void
  /** A heading and what belongs to it, with a line of air above. */
  readonly section: (heading: string, lines: readonly string[]) => void
}

/** Width of the first column. */
const NAME_WIDTH = 10

export function createProgress(write: (text: string) => void, paint: Paint, now: () => number = Date.now): Progress {
  const line = (text: string) => write(`${text}\n`)
  const head = (name: string) => `  ${paint('bold', name.padEnd(NAME_WIDTH))} `
  return {
    line,
    note: (name, text) => line(`${head(name)}${text}`),
    section(heading, lines) {
      line(`\n${paint('bold', heading)}`)
      lines.forEach(line)
    },
    async step(name, doing, work) {
      write(`${head(name)}${doing} … `)
      const begun = now()
      try {
        const result = await work()
        write(`${result.said} ${paint('dim', `(${((now() - begun) / 1_000).toFixed(1)} s)`)}\n`)
        return result
      } catch (error) {
        write('\n')
        throw error
      }
    },
  }
}
