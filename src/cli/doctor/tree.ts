import { type Dirent, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** One installed copy of a package. */
export type Installed = { readonly name: string; readonly folder: string }

export type Tree = {
  readonly packages: readonly Installed[]
  /** The walk ended at a limit: there may be more. */
  readonly isCut: boolean
}

/** The parts of a package.json that are looked at. */
export type Manifest = {
  readonly name: string
  readonly version: string
  readonly type: string
  /** Of all kinds but those for development only. */
  readonly dependencies: readonly string[]
  readonly scripts: Readonly<Record<string, string>>
}

/** A large monorepo has some 5,000 packages; far beyond that is no app, or a loop of links. */
const FOLDERS_MAX = 50_000
/** On a slow network disk a partial answer is better than none. */
const WALK_MS_MAX = 3_000

/**
 * Every package that code in `folder` could load: all `node_modules` from there up to the root of the disk, with those nested inside and
 * the stores of pnpm. Folders that several links lead to come once.
 */
export function walkTree(folder: string): Tree {
  const endMs = performance.now() + WALK_MS_MAX
  const seen = new Set<string>()
  const packages: Installed[] = []
  const open = ancestors(folder).map((ancestor) => join(ancestor, 'node_modules'))
  for (let next = open.shift(); next !== undefined; next = open.shift()) {
    if (seen.size > FOLDERS_MAX || performance.now() > endMs) return { packages, isCut: true }
    for (const installed of listPackages(next)) {
      const real = realFolder(installed.folder)
      if (real === undefined || seen.has(real)) continue
      seen.add(real)
      packages.push({ ...installed, folder: real })
      open.push(join(real, 'node_modules'))
    }
  }
  return { packages, isCut: false }
}

/** The package.json in `folder`; undefined when there is none that can be read. */
export function readManifest(folder: string): Manifest | undefined {
  try {
    const { name, version, type, scripts, ...rest } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const dependencies = [rest.dependencies, rest.optionalDependencies, rest.peerDependencies].flatMap((names) => Object.keys(names ?? {}))
    return { name: String(name), version: String(version), type: String(type), dependencies, scripts: scripts ?? {} }
  } catch {
    return undefined
  }
}

/** The nearest package.json from `folder` upwards: that of the app. */
export function findManifest(folder: string): Manifest | undefined {
  for (const ancestor of ancestors(folder)) {
    const manifest = readManifest(ancestor)
    if (manifest !== undefined) return manifest
  }
  return undefined
}

function ancestors(folder: string): string[] {
  const parent = dirname(folder)
  return parent === folder ? [folder] : [folder, ...ancestors(parent)]
}

/** The packages directly in one `node_modules`, `@scope` folders opened. pnpm keeps the real ones in `.pnpm/NAME@VERSION/node_modules`. */
function listPackages(nodeModules: string): Installed[] {
  return list(nodeModules).flatMap((name) => {
    const folder = join(nodeModules, name)
    if (name === '.pnpm') return list(folder).flatMap((store) => listPackages(join(folder, store, 'node_modules')))
    if (name.startsWith('.')) return []
    if (name.startsWith('@')) return list(folder).map((inner) => ({ name: `${name}/${inner}`, folder: join(folder, inner) }))
    return [{ name, folder }]
  })
}

function list(folder: string): readonly string[] {
  try {
    const isFolder = (entry: Dirent) => entry.isDirectory() || entry.isSymbolicLink()
    return readdirSync(folder, { withFileTypes: true })
      .filter(isFolder)
      .map(({ name }) => name)
  } catch {
    return [] // most packages have no node_modules of their own
  }
}

function realFolder(folder: string): string | undefined {
  try {
    return realpathSync(folder)
  } catch {
    return undefined // a link that leads nowhere
  }
}
