import { fstatSync } from 'node:fs'
import type { Config } from './config.ts'
import { VERSION } from './resource.ts'
import { SIGNALS } from './wire/signal.ts'

/** Whether the start is worth a line on `fd`: always when somebody wants to know more, by default where a person looks on. */
export function isStartTold(level: Config['diagLevel'], fd: number): boolean {
  if (level === 'none' || level === 'error') return false
  return level === 'warn' ? isTerminal(fd) : true
}

/** `0.1.0 my-service → http://collector:4318 (http-server, fetch)`: version, service, where telemetry goes, what is instrumented. */
export function describeStart(config: Config, instrumented: readonly string[]): string {
  const service = config.serviceName ?? config.resourceAttributes['service.name'] ?? 'unknown_service'
  return `${VERSION} ${service} → ${describeTargets(config)} (${instrumented.join(', ')})`
}

/** Without user, password, path and query. */
function describeTargets({ signals }: Config): string {
  const targets = SIGNALS.flatMap((signal) =>
    signals[signal].exporters.map((exporter) => (exporter === 'console' ? exporter : new URL(signals[signal].url).origin)),
  )
  return targets.length === 0 ? 'nowhere' : [...new Set(targets)].join(', ')
}

/** Also true for /dev/null, where a line does no harm. `process.stderr.isTTY` would make the stream, and load `node:net` for it. */
function isTerminal(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice()
  } catch {
    return false // closed
  }
}
