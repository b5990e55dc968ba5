import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { context, diag, logs, metrics, propagation, trace } from '@opentelemetry/api'

/** The entry points of `@opentelemetry/api` that register something for everybody. */
export type Api = {
  readonly context: typeof context
  readonly diag: typeof diag
  readonly logs: typeof logs
  readonly metrics: typeof metrics
  readonly propagation: typeof propagation
  readonly trace: typeof trace
}

/** Of the copy inside our bundle; a test compares it with package.json. */
export const BUNDLED_VERSION = '1.10.0'

const BUNDLED: Api = { context, diag, logs, metrics, propagation, trace }

/**
 * The copy of the API that has to register. A copy reads what an older or equal one wants to see, so ours serves every app whose own copy
 * is not newer, without loading its fifty files. What a newer copy must see has to be registered by that copy.
 * See docs/decisions/bundled-api.md.
 */
export function findApi(): Api {
  const copy = findCopy()
  try {
    return isNewer(copy.version, BUNDLED_VERSION) ? copy.load() : BUNDLED
  } catch {
    return BUNDLED
  }
}

/** Version of the copy that {@link findApi} gives. */
export function registeringVersion(): string {
  const { version } = findCopy()
  return isNewer(version, BUNDLED_VERSION) ? version : BUNDLED_VERSION
}

/** The copy that this package finds; ours where the app has none, or one from before 1.10, which keeps its files elsewhere. */
function findCopy(): { readonly version: string; readonly load: () => Api } {
  try {
    const require = createRequire(import.meta.url)
    const entry = require.resolve('@opentelemetry/api')
    const { version } = JSON.parse(readFileSync(join(dirname(entry), '..', 'package.json'), 'utf8'))
    return { version, load: () => require(entry) }
  } catch {
    return { version: BUNDLED_VERSION, load: () => BUNDLED }
  }
}

function isNewer(version: string, than: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10))
  const [thanMajor = 0, thanMinor = 0, thanPatch = 0] = than.split('.').map((part) => Number.parseInt(part, 10))
  return (major - thanMajor || minor - thanMinor || patch - thanPatch) > 0
}
