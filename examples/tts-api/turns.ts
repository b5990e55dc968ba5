/** At most `atOnce` pieces of work run; the others wait in line, first come, first served. */
export type Turns = {
  /** Resolves when it is your turn. */
  readonly take: () => Promise<void>
  readonly leave: () => void
}

export function createTurns(atOnce: number): Turns {
  const line: (() => void)[] = []
  let free = atOnce
  return {
    async take() {
      if (free > 0) free--
      else await new Promise<void>((next) => line.push(next))
    },
    leave() {
      const next = line.shift()
      if (next) next()
      else free++
    },
  }
}
