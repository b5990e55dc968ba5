/** What the folders promise: who may import whom, who may read the environment, and that documents name what exists. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { scriptOf } from '../bench/results.ts'
import { LATE } from '../scripts/late.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const sources = globSync(['src/**/*.ts', 'collector/src/**/*.ts'], { cwd: root }).sort()
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const withoutComments = (source: string) => source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')

/** Relative imports of a source, as paths from the root. */
function importsOf(file: string): string[] {
  const specifiers = [...read(file).matchAll(/\bfrom '(\.[^']+)'/g)].map((match) => match[1]!)
  return specifiers.map((specifier) => relative('.', normalize(join(dirname(file), specifier))))
}

/** Those of them whose code is loaded, not only types. */
function loadedBy(file: string): string[] {
  const statements = [...read(file).matchAll(/^(?:import|export) (?!type )([^'"]*?) ?from '(\.[^']+)'/gm)]
  const loaded = statements.filter(([, names]) => !/^\{(?:\s*type \w+(?: as \w+)?,?)*\s*\}$/.test(names!))
  return loaded.map(([, , specifier]) => relative('.', normalize(join(dirname(file), specifier!))))
}

/** Something at the top of a module that one part of the process writes and another reads. On `globalThis`, or under a name that all share, it may. */
const STATE =
  /^(?:export )?(?:let |const \w+.*= (?:new (?:AsyncLocalStorage|WeakMap|WeakSet|Map|Set)(?:<.*>)?\(\)|Symbol\(|(?:once|create(?!ContextKey)\w*|follow\w*)\())/m

test('what the bundle loads late, with copies of all it shares with the rest, holds no state', () => {
  const offenders = new Set<string>()
  const seen = new Set<string>()
  const visit = (file: string): void => {
    if (seen.has(file)) return
    seen.add(file)
    if (STATE.test(read(file))) offenders.add(file)
    for (const path of loadedBy(file)) visit(path)
  }
  for (const { source } of LATE) visit(source)
  expect(seen.size).toBeGreaterThan(50)
  expect([...offenders]).toEqual([])
  expect(sources.filter((file) => STATE.test(read(file)))).toContain('src/log/logger.ts') // it finds what there is
})

test('who loads a module late imports it, and nothing of it but the functions that the bundle replaces', () => {
  for (const { from, source, functions } of LATE) {
    const statement = [...read(from).matchAll(/^import (\{[^}]*\}) from '(\.[^']+)'/gm)].find(
      ([, , specifier]) => relative('.', normalize(join(dirname(from), specifier!))) === source,
    )
    const names = statement?.[1]?.match(/(?<![\w])(?:type )?\w+(?: as \w+)?/g)?.filter((name) => !name.startsWith('type '))
    expect(names?.map((name) => name.split(' as ')[0])).toEqual(functions)
  }
})

test('the environment is read in the two config files and nowhere else', () => {
  const readers = sources.filter((file) => withoutComments(read(file)).includes('process.env'))
  expect(readers).toEqual(['collector/src/config.ts', 'src/config.ts'])
})

test('the SDK never imports the collector', () => {
  const offenders = sources.filter((file) => file.startsWith('src/') && importsOf(file).some((path) => path.startsWith('collector/')))
  expect(offenders).toEqual([])
})

test('wire is a leaf that both packages share', () => {
  const offenders = sources
    .filter((file) => file.startsWith('src/wire/'))
    .flatMap((file) => importsOf(file).filter((path) => !path.startsWith('src/wire/')))
  expect(offenders).toEqual([])
})

test('the collector takes from the SDK only what is on the wire', () => {
  const taken = sources
    .filter((file) => file.startsWith('collector/'))
    .flatMap((file) => importsOf(file).filter((path) => path.startsWith('src/')))
  expect(taken.filter((path) => !path.startsWith('src/wire/'))).toEqual([])
})

test('the folders of the collector do not import one another; app.ts and the commands wire them', () => {
  const folderOf = (file: string) => /^collector\/src\/([^/]+)\//.exec(file)?.[1]
  const offenders = sources.flatMap((file) => {
    const own = folderOf(file)
    return own === undefined || own === 'cli'
      ? []
      : importsOf(file)
          .filter((path) => folderOf(path) !== undefined && folderOf(path) !== own)
          .map((path) => `${file} -> ${path}`)
  })
  expect(offenders).toEqual([])
})

test('what apps call needs no registration', () => {
  const installers = ['src/sdk.ts', 'src/register.ts', 'src/traces.ts', 'src/metrics.ts', 'src/logs.ts']
  const leaves = sources.filter((file) => /^src\/(tts|log|middleware|health)\//.test(file) || file === 'src/request-context.ts')
  const offenders = leaves.flatMap((file) =>
    importsOf(file)
      .filter((path) => installers.includes(path))
      .map((path) => `${file} -> ${path}`),
  )
  expect(offenders).toEqual([])
})

test('there are no import cycles', () => {
  const done = new Set<string>()
  const visit = (file: string, trail: readonly string[]): void => {
    if (trail.includes(file)) throw new Error(`import cycle: ${[...trail.slice(trail.indexOf(file)), file].join(' -> ')}`)
    if (done.has(file)) return
    for (const path of importsOf(file)) if (existsSync(join(root, path))) visit(path, [...trail, file])
    done.add(file)
  }
  for (const file of sources) visit(file, [])
})

test('a file holds one concept: none is longer than 320 lines', () => {
  const long = sources.map((file) => [file, read(file).split('\n').length] as const).filter(([, lines]) => lines > 320)
  expect(long).toEqual([])
})

test('every folder and file that docs/architecture.md names exists', () => {
  const named = [...read('docs/architecture.md').matchAll(/`((?:src|collector|examples|test|bench|scripts|docs)\/[\w./-]*)`/g)].map(
    (match) => match[1]!,
  )
  expect(named.length).toBeGreaterThan(10)
  expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([])
})

test('every runtime dependency has its reason in docs/decisions/dependencies.md', () => {
  const dependencies = Object.keys(JSON.parse(read('collector/package.json')).dependencies)
  const document = read('docs/decisions/dependencies.md')
  expect(dependencies.filter((name) => !document.includes(`\`${name}\``))).toEqual([])
})

test('every measurement of package.json has its section in bench/results.md, in their order, and there is no other', () => {
  const scripts = Object.keys(JSON.parse(read('package.json')).scripts).filter((name) => name.startsWith('bench:') || name === 'soak')
  const headings = read('bench/results.md').match(/^## .*$/gm) ?? []
  expect(scripts.length).toBeGreaterThan(10)
  expect(headings.map(scriptOf)).toEqual(scripts)
})
