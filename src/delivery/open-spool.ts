import { readdirSync } from 'node:fs'
import { openSpool as open, type Spool } from '../wire/spool.ts'

export type SpoolSettings = {
  /** Tried in this order: the second is for a host where the first cannot be used. */
  readonly dirs: readonly string[]
  readonly bytesMax: number
  readonly fsync: boolean
  /** Whatever names the destination of all signals. */
  readonly destination: () => string
}

/** Long enough for a weekend without a collector; what is older says little about a service. */
const AGE_MS_MAX = 48 * 3_600_000

/**
 * Opens the spool in the first directory that can be used; undefined, and said, when there is none.
 *
 * The bundle loads it here and not with the SDK, because compression and checksums take longer to load than all the rest; by `require`, because
 * a dying process cannot wait for an `import`. Never throws.
 */
export function openSpool({ dirs, destination, ...settings }: SpoolSettings, warn: (message: string) => void): Spool | undefined {
  const problems: string[] = []
  try {
    const common = { ...settings, destination: destination() }
    for (const dir of dirs) {
      const spool = open({ ...common, dir, ageMsMax: AGE_MS_MAX, now: Date.now, warn })
      if (spool.problem === undefined) return spool
      problems.push(`${dir}: ${spool.problem}`)
    }
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error))
  }
  warn(`no telemetry can be kept on disk, an outage or a crash may lose some. ${problems.join('; ')}; TTS_OTEL_SPOOL_DIR names another one`)
  return undefined
}

/** Whether anybody has left anything there: without a look into the files, and so without loading what can read them. */
export function hasLeftovers(dirs: readonly string[]): boolean {
  return dirs.some((dir) => {
    try {
      return readdirSync(dir).length > 0
    } catch {
      return false // not there
    }
  })
}
