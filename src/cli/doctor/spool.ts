import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Config } from '../../config.ts'
import { type Finding, ok, problem, skipped, warning } from './findings.ts'

/** From here on the oldest is soon dropped for newer. */
const FULL_SHARE = 0.8
const BYTES_PER_MB = 1_048_576

/** Where telemetry waits when the collector does not take it, and how much waits there now. Makes and changes nothing. */
export function checkSpool({ dirs, bytesMax }: Config['spool']): readonly Finding[] {
  if (bytesMax === 0)
    return [skipped('spool-directory', 'nothing is kept on disk (TTS_OTEL_SPOOL_MAX_MB=0): an outage or a crash may lose telemetry')]
  const dir = dirs.find(canBeUsed)
  if (dir === undefined) return [problem('spool-directory', `nothing can be kept on disk: ${dirs.join(' and ')} cannot be written`)]
  const bytes = bytesIn(dir)
  const waiting = `${(bytes / BYTES_PER_MB).toFixed(1)} of ${bytesMax / BYTES_PER_MB} MB wait on disk`
  return [
    dir === dirs[0] ? ok('spool-directory', dir) : warning('spool-directory', `${dirs[0]} cannot be written, so ${dir} is used`),
    bytes < bytesMax * FULL_SHARE ? ok('spool-waiting', waiting) : warning('spool-waiting', waiting),
  ]
}

/** A directory that is not there is made when something has to go there: then its nearest parent counts. */
function canBeUsed(dir: string): boolean {
  if (!existsSync(dir)) return dirname(dir) !== dir && canBeUsed(dirname(dir))
  try {
    accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK)
    return statSync(dir).isDirectory()
  } catch {
    return false
  }
}

/** Of all processes that share the directory. A file that goes meanwhile was delivered. */
function bytesIn(path: string): number {
  try {
    const stat = statSync(path)
    return stat.isDirectory() ? readdirSync(path).reduce((sum, name) => sum + bytesIn(join(path, name)), 0) : stat.size
  } catch {
    return 0
  }
}
