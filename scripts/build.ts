/**
 * Builds what users install: `dist/` (the SDK) and `collector/dist/` (the collector), each pre-bundled ESM with shared
 * chunks, source maps and types, and `NOTICE`, the list of what is inside.
 *
 * Loading a bundle is what keeps start-up short: the same SDK as 100 modules takes five times as long to load.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Metafile, type Plugin } from 'esbuild'
import { LATE, LATE_DIR, type Late } from './late.ts'
import { buildPage } from './viewer.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

type Bundle = {
  readonly outdir: string
  /** Default: modules. */
  readonly format?: 'cjs'
  /** Output name without ending -> source. */
  readonly entries: Readonly<Record<string, string>>
  /** Short names and no source map: nobody reads its stack traces. */
  readonly isBare?: true
  /** Packages that stay outside: peers and the package's own dependencies. */
  readonly external: readonly string[]
}

/** Module of the parts that a bundler has put into the app's bundle, by name. Empty elsewhere. */
const BUNDLED = 'late-bundled'

const BUNDLES: readonly Bundle[] = [
  {
    outdir: 'dist',
    entries: {
      index: 'src/index.ts',
      register: 'src/register.ts',
      fastify: 'src/middleware/fastify.ts',
      express: 'src/middleware/express.ts',
      hono: 'src/middleware/hono.ts',
      pino: 'src/bridge/pino.ts',
      winston: 'src/bridge/winston.ts',
      'get-logs': 'src/reading/get-logs.ts',
      'late/bundled': 'reach:bundled',
    },
    // Not even @opentelemetry/api: see docs/decisions/bundled-api.md.
    external: [],
  },
  {
    // A thread of its own in the last 300 ms of a process: one file.
    outdir: 'dist/thread',
    entries: { 'last-breath-worker': 'src/delivery/last-breath-worker.ts' },
    external: [],
  },
  ...LATE.map(
    ({ name, isForeign }): Bundle => ({
      outdir: LATE_DIR,
      format: 'cjs',
      entries: { [name]: `late:${name}` },
      external: [],
      ...(isForeign && { isBare: isForeign }),
    }),
  ),
  {
    // Apart: what it shares with register.js would be more files to load.
    outdir: 'dist/cli',
    isBare: true,
    entries: { main: 'src/cli/main.ts' },
    external: [],
  },
  {
    outdir: 'collector/dist',
    entries: {
      index: 'collector/src/index.ts',
      alerts: 'collector/src/alerts.ts',
      main: 'collector/src/main.ts',
      'pglite-worker': 'collector/src/postgres/pglite-worker.ts',
    },
    external: ['pg', 'pg-copy-streams', '@electric-sql/pglite', 'nodemailer', 'yaml', '@marcbachmann/cel-js'],
  },
]

/**
 * `import … from 'node:http'` makes Node evaluate every lazy getter of the module for its ESM facade: `node:http` alone then loads
 * all of undici (14 ms), `node:net` and `node:fs` more. The same module taken by `process.getBuiltinModule` loads nothing else.
 */
const BUILTINS_WITHOUT_FACADE: Plugin = {
  name: 'builtins-without-facade',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(node:)?[a-z_/]+$/ }, ({ path }) => {
      const name = path.replace(/^node:/, '')
      return builtinModules.includes(name) ? { path: `node:${name}`, namespace: 'builtin' } : undefined
    })
    onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({ contents: builtinSource(path), loader: 'js' }))
  },
}

/** Pure calls, so that only the names in use stay in the bundle and no other getter is touched. */
function builtinSource(path: string): string {
  const names = Object.keys(process.getBuiltinModule(path) ?? {}).filter((name) => /^[A-Za-z]\w*$/.test(name) && name !== 'default')
  return [
    `const builtin = /* @__PURE__ */ process.getBuiltinModule('${path}')`,
    'export default builtin',
    ...names.map((name) => `const export_${name} = /* @__PURE__ */ (() => builtin.${name})(); export { export_${name} as ${name} }`),
  ].join('\n')
}

/** What is changed in foreign modules, by the end of their path. */
const CHANGES: readonly (readonly [path: string, change: (source: string, path: string) => string])[] = [
  // Of the host detector, which nothing reaches; it imports it lazily, and that would cut everything into more files to load.
  ['/getMachineId.mjs', () => 'export const getMachineId = async () => undefined'],
  // Views ask for it, and there is no way to give one: a fifth of the metrics SDK.
  ['/sdk-metrics/dist/aggregator/ExponentialHistogram.mjs', () => NO_EXPONENTIAL_HISTOGRAM],
  ['/sdk-metrics/dist/utils.mjs', hashOnce],
]

const NO_EXPONENTIAL_HISTOGRAM = `
export class ExponentialHistogramAggregator {
  constructor() {
    throw new Error('exponential histograms are not in this bundle')
  }
}`

/** The metrics SDK sorts and prints the attributes of every measurement to find its series: half of its time. A frozen object is hashed once. */
function hashOnce(source: string, path: string): string {
  const head = 'function hashAttributes(attributes) {'
  if (!source.includes(head)) throw new Error(`${path} has changed: look for hashAttributes, and measure again (npm run bench:request)`)
  return source.replace(head, `${HASH_FROZEN_ONCE}\nfunction hashAnew(attributes) {`)
}
const HASH_FROZEN_ONCE = `
const hashes = new WeakMap()
function hashAttributes(attributes) {
  let hash = hashes.get(attributes)
  if (hash === undefined) {
    hash = hashAnew(attributes)
    if (Object.isFrozen(attributes)) hashes.set(attributes, hash)
  }
  return hash
}`

const CHANGE_FOREIGN: Plugin = {
  name: 'change-foreign',
  setup({ onLoad }) {
    onLoad({ filter: /\/node_modules\/.*\.mjs$/ }, ({ path }) => {
      const change = CHANGES.find(([end]) => path.endsWith(end))?.[1]
      return change && { contents: change(readFileSync(path, 'utf8'), path), loader: 'js' }
    })
  },
}

/**
 * Files are cut by who reaches them, so each output is made to reach more than it needs: then all that register.js loads is one file beside
 * it, and all that an app loads by `tts-otel` one more. Cut as the imports are, it would be twelve.
 */
const FEW_FILES: Plugin = {
  name: 'few-files',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^reach:/ }, ({ path }) => ({ path, namespace: 'reach' }))
    onLoad({ filter: /^reach:register$/, namespace: 'reach' }, () => ({
      contents: importsOf('src/register.ts'),
      resolveDir: join(root, 'src'),
    }))
    onLoad({ filter: /^reach:bundled$/, namespace: 'reach' }, () => ({
      contents: `import 'reach:register'\nexport { bundled } from '${BUNDLED}'`,
    }))
    onLoad({ filter: /src\/(index|delivery\/post)\.ts$/ }, ({ path }) => reaching('reach:register', path))
    const besideIndex =
      /src\/(middleware\/(fastify|express|hono)|bridge\/(pino|winston)|reading\/get-logs|log\/file\/archive-(files|sweep))\.ts$/
    onLoad({ filter: besideIndex }, ({ path }) => reaching(join(root, 'src/index.ts'), path))
  },
}

function reaching(module: string, path: string): { contents: string; loader: 'ts' } {
  return { contents: `import '${module}'\n${readFileSync(path, 'utf8')}`, loader: 'ts' }
}

/** What register.ts imports, without register.ts itself, which installs. */
function importsOf(file: string): string {
  const imported = [...readFileSync(join(root, file), 'utf8').matchAll(/^import (?!type )[^;]*?from '(\.[^']+)'/gm)]
  const sources = imported.map(([, specifier]) => join(root, file, '..', specifier!))
  const early = sources.filter((source) => !LATE.some((late) => late.from === file && join(root, late.source) === source))
  return early.map((source) => `import '${source}'`).join('\n')
}

/** What becomes of the modules in {@link LATE}. */
function loadLate({ outdir, format }: Bundle): Plugin {
  return {
    name: 'load-late',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^late-bundled$/ }, ({ path }) => ({ path, namespace: BUNDLED }))
      onLoad({ filter: /.*/, namespace: BUNDLED }, () => ({ contents: 'export const bundled = {}' }))
      onResolve({ filter: /^late:/ }, ({ path }) => ({ path: path.slice('late:'.length), namespace: 'late' }))
      onLoad({ filter: /.*/, namespace: 'late' }, ({ path }) => ({ contents: lateEntry(findLate(path)), resolveDir: root }))
      onResolve({ filter: /\.ts$/ }, ({ path, importer, resolveDir }) => {
        const source = relative(root, join(resolveDir, path))
        const late = LATE.find((part) => part.source === source && join(root, part.from) === importer)
        return late && { path: late.name, namespace: 'stub' }
      })
      onResolve({ filter: /\.cjs$/, namespace: 'stub' }, ({ path }) => ({ path, external: true }))
      onLoad({ filter: /.*/, namespace: 'stub' }, ({ path }) => ({ contents: stub(findLate(path), outdir, format) }))
    },
  }
}

function findLate(name: string): Late {
  const late = LATE.find((part) => part.name === name)
  if (late === undefined) throw new Error(`no ${name} in scripts/late.ts`)
  return late
}

function lateEntry({ source, functions }: Late): string {
  return `export { ${functions.join(', ')} } from './${source}'`
}

/** Functions that load the real ones when they are called, at once, as that may be inside of a `require` or in the last breath of a process. */
function stub({ name, functions }: Late, outdir: string, format: Bundle['format']): string {
  const file = `./${relative(outdir, `${LATE_DIR}/${name}.cjs`)}`
  const load =
    format === 'cjs'
      ? [`const load = () => require('${file}')`]
      : [
          `import { createRequire } from 'node:module'`,
          `import { bundled } from '${BUNDLED}'`,
          `const load = () => bundled['${name}'] ?? createRequire(import.meta.url)('${file}')`,
        ]
  return [...load, ...functions.map((name) => `export const ${name} = (...given) => load().${name}(...given)`)].join('\n')
}

/**
 * What bundlers take instead of each entry (the condition `module` of package.json): the same with all late parts, which no bundler finds in
 * a file name that is put together while the app runs.
 */
function writeBundlerEntries(): void {
  const folder = join(root, 'dist/bundler')
  mkdirSync(folder)
  const names = LATE.map(({ name }) => `part_${name.replaceAll('-', '_')}`)
  const late = [
    `import { bundled } from '../late/bundled.js'`,
    ...LATE.map(({ name }, index) => `import ${names[index]} from '../late/${name}.cjs'`),
    `Object.assign(bundled, { ${LATE.map(({ name }, index) => `'${name}': ${names[index]}`).join(', ')} })`,
  ]
  writeFileSync(join(folder, 'late.js'), `${late.join('\n')}\n`)
  for (const entry of Object.keys(BUNDLES[0]!.entries).filter((name) => !name.includes('/'))) {
    const hasDefault = entry === 'pino' ? `export { default } from '../${entry}.js'\n` : ''
    writeFileSync(join(folder, `${entry}.js`), `import './late.js'\nexport * from '../${entry}.js'\n${hasDefault}`)
  }
}

const inputs: string[] = []
for (const { outdir } of BUNDLES) rmSync(join(root, outdir), { recursive: true, force: true })
for (const bundle of BUNDLES) inputs.push(...(await buildBundle(bundle)))
writeBundlerEntries()
writeFileSync(join(root, 'collector/dist/viewer.html'), await buildPage(join(root, 'collector/src/viewer/client')))
emitTypes()
writeFileSync(join(root, 'NOTICE'), notice(inputs))

async function buildBundle(bundle: Bundle): Promise<string[]> {
  const { outdir, format, entries, external, isBare = false } = bundle
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { ...entries },
    outdir,
    external: [...external],
    bundle: true,
    plugins: [BUILTINS_WITHOUT_FACADE, CHANGE_FOREIGN, loadLate(bundle), ...(outdir === 'dist' ? [FEW_FILES] : [])],
    ...(format === 'cjs' ? { format, outExtension: { '.js': '.cjs' } } : { format: 'esm', splitting: true }),
    platform: 'node',
    target: 'node22.15',
    // Whitespace and syntax only: names stay, so that a stack trace of a user still reads.
    minifyWhitespace: true,
    minifySyntax: true,
    minifyIdentifiers: isBare,
    // Node prints the whole line that threw.
    lineLimit: 120,
    legalComments: 'none',
    sourcemap: !isBare,
    sourcesContent: false,
    metafile: true,
    logLevel: 'warning',
  })
  return shippedInputs(metafile)
}

/** Sources that left at least one byte in the output. */
function shippedInputs(metafile: Metafile): string[] {
  return Object.values(metafile.outputs).flatMap((output) =>
    Object.entries(output.inputs)
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([path]) => path),
  )
}

function emitTypes(): void {
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  for (const project of ['tsconfig.build.json', 'collector/tsconfig.build.json'])
    execFileSync(process.execPath, [compiler, '-p', project], { cwd: root, stdio: 'inherit' })
}

type Bundled = { readonly name: string; readonly version: string; readonly license: string; readonly text: string }

function notice(paths: readonly string[]): string {
  const packages = new Map<string, Bundled>()
  for (const path of paths) {
    const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)
    if (match) packages.set(match[1]!, readPackage(join(root, match[1]!)))
  }
  const sorted = [...packages.values()].sort((a, b) => a.name.localeCompare(b.name))
  const lines = sorted.map(({ name, version, license }) => `- ${name} ${version} (${license})`)
  const texts = [...new Map(sorted.map((bundled) => [bundled.text, bundled.license])).entries()]
  return [
    'tts-otel',
    '',
    'The published files contain code of these packages, bundled. What is changed in it or left out stands in scripts/build.ts of the repository.',
    '',
    ...lines,
    '',
    ...texts.filter(([text, license]) => text !== '' && license !== 'Apache-2.0').map(([text]) => `${text}\n`),
    'The text of the Apache License 2.0 is in the file LICENSE.',
    '',
  ].join('\n')
}

function readPackage(directory: string): Bundled {
  const { name, version, license } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
  return { name, version, license, text: readLicense(directory) }
}

function readLicense(directory: string): string {
  for (const file of ['LICENSE', 'LICENSE.md', 'license', 'LICENSE.txt']) {
    try {
      return readFileSync(join(directory, file), 'utf8').trim()
    } catch {
      // The next spelling; packages do not agree on one.
    }
  }
  return ''
}
