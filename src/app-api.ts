import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
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

const NAME = '@opentelemetry/api'

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
    const { version } = JSON.parse(readFileSync(findManifest(), 'utf8'))
    return { version, load: () => createRequire(import.meta.url)(NAME) }
  } catch {
    return { version: BUNDLED_VERSION, load: () => BUNDLED }
  }
}

/** Looks where `require.resolve` does, which would take 2 ms of every start. */
function findManifest(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  let inner = ''
  while (folder !== inner) {
    const manifest = `${folder}/node_modules/${NAME}/package.json`
    if (existsSync(manifest)) return manifest
    inner = folder
    folder = dirname(folder)
  }
  // NODE_PATH, or a package manager without folders.
  return join(dirname(createRequire(import.meta.url).resolve(NAME)), '..', 'package.json')
}

function isNewer(version: string, than: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10))
  const [thanMajor = 0, thanMinor = 0, thanPatch = 0] = than.split('.').map((part) => Number.parseInt(part, 10))
  return (major - thanMajor || minor - thanMinor || patch - thanPatch) > 0
}
