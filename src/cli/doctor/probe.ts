/** What a trial start sees from inside: run by `trial.ts` in a child process, with everything loaded that comes before tts-otel/register. */
import { createRequire } from 'node:module'

/** What was there before registration. */
export type Seen = {
  /** Packages of which some file has been loaded. */
  readonly packages: readonly string[]
  /** Somebody has registered for the log API before 1.10. */
  readonly hasOldLogs: boolean
}

/** Before the JSON on stdout, where the preloads may write as well. */
export const MARK = 'tts-otel-doctor:'

const RESOLVED = Symbol.for('tts-otel.doctor.resolved')
const OLD_LOGS_GLOBAL = Symbol.for('io.opentelemetry.js.api.logs')

/** An `--import` that notes the address of every module found from then on. */
export const TRACKER = `data:text/javascript,${encodeURIComponent(
  `import { registerHooks } from 'node:module'
const resolved = globalThis[Symbol.for('${Symbol.keyFor(RESOLVED)}')] = []
registerHooks?.({ resolve(specifier, context, next) { const found = next(specifier, context); resolved.push(found.url); return found } })`,
)}`

/** Not as a text in `import()`: the bundler would put a second copy into the bundle of the command line. */
const REGISTER = new URL(import.meta.url.endsWith('.ts') ? '../../register.ts' : '../register.js', import.meta.url).href

/** Prints what has been loaded so far, registers, and ends the process. What `register` says is on stderr. */
export async function runProbe(): Promise<void> {
  const seen: Seen = { packages: loadedPackages(), hasOldLogs: Reflect.has(globalThis, OLD_LOGS_GLOBAL) }
  await import(REGISTER)
  process.stdout.write(`${MARK}${JSON.stringify(seen)}\n`, () => process.exit(0))
}

function loadedPackages(): readonly string[] {
  const files = [...Object.keys(createRequire(import.meta.url).cache), ...(Reflect.get(globalThis, RESOLVED) ?? [])]
  const names = files.map((file) => /.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/.exec(file)?.[1]?.replace('\\', '/'))
  return [...new Set(names.filter((name) => name !== undefined))]
}
