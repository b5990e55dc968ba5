/**
 * Builds what users install: `dist/` (the SDK) and `collector/dist/` (the collector), each pre-bundled ESM with shared
 * chunks, source maps and types, and `NOTICE`, the list of what is inside.
 *
 * Loading a bundle is what keeps start-up short: the same SDK as 100 modules takes five times as long to load.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Metafile, type Plugin } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))

type Bundle = {
  readonly outdir: string
  /** Output name without ending -> source. */
  readonly entries: Readonly<Record<string, string>>
  /** Somebody else's code for the most part: nobody reads its stack traces here, so it ships short names and no source map. */
  readonly isForeign?: true
  /** Packages that stay outside: peers and the package's own dependencies. */
  readonly external: readonly string[]
}

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
      spool: 'src/wire/spool.ts',
      'last-breath-worker': 'src/delivery/last-breath-worker.ts',
    },
    // Not even @opentelemetry/api: see docs/decisions/bundled-api.md.
    external: [],
  },
  {
    // Apart, and loaded only where there is a logging.yaml.
    outdir: 'dist/yaml',
    isForeign: true,
    entries: { 'settings-yaml': 'src/log/settings/yaml.ts' },
    external: [],
  },
  {
    // Apart: with shared chunks register.js would load eight files instead of three.
    outdir: 'dist/cli',
    entries: { main: 'src/cli/main.ts' },
    external: [],
  },
  {
    outdir: 'collector/dist',
    entries: {
      index: 'collector/src/index.ts',
      main: 'collector/src/main.ts',
      'pglite-worker': 'collector/src/postgres/pglite-worker.ts',
    },
    external: ['pg', '@electric-sql/pglite', 'nodemailer'],
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

/** The host detector, which we do not use, imports these lazily; esbuild would keep them, and cut everything into more files to load. */
const NO_MACHINE_ID: Plugin = {
  name: 'no-machine-id',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\/getMachineId\.mjs$/ }, ({ path }) => ({ path, namespace: 'unused' }))
    onLoad({ filter: /.*/, namespace: 'unused' }, () => ({ contents: 'export const getMachineId = async () => undefined', loader: 'js' }))
  },
}

/** The metrics SDK sorts and prints the attributes of every measurement to find its series: half of its time. A frozen object is hashed once. */
const HASH_ONCE: Plugin = {
  name: 'hash-once',
  setup({ onLoad }) {
    const head = 'function hashAttributes(attributes) {'
    onLoad({ filter: /sdk-metrics\/dist\/utils\.mjs$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8')
      if (!source.includes(head)) throw new Error(`${path} has changed: look for hashAttributes, and measure again (npm run bench:request)`)
      const contents = source.replace(head, `${HASH_FROZEN_ONCE}\nfunction hashAnew(attributes) {`)
      return { contents, loader: 'js' }
    })
  },
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

/**
 * Lets the middleware and the bridges reach all that the index reaches: files are cut by who reaches them, and register would load eighteen
 * instead of nine. An app with the middleware has the index anyway.
 */
const ENTRIES_BESIDE_INDEX: Plugin = {
  name: 'entries-beside-index',
  setup({ onLoad }) {
    onLoad({ filter: /src\/(middleware\/(fastify|express|hono)|bridge\/(pino|winston))\.ts$/ }, ({ path }) => ({
      contents: `import '../index.ts'\n${readFileSync(path, 'utf8')}`,
      loader: 'ts',
    }))
  },
}

const inputs: string[] = []
for (const bundle of BUNDLES) inputs.push(...(await buildBundle(bundle)))
emitTypes()
writeFileSync(join(root, 'NOTICE'), notice(inputs))

async function buildBundle({ outdir, entries, external, isForeign = false }: Bundle): Promise<string[]> {
  rmSync(join(root, outdir), { recursive: true, force: true })
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { ...entries },
    outdir,
    external: [...external],
    bundle: true,
    plugins: [BUILTINS_WITHOUT_FACADE, NO_MACHINE_ID, HASH_ONCE, ENTRIES_BESIDE_INDEX],
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22.15',
    // Whitespace and syntax only: names stay, so that a stack trace of a user still reads.
    minifyWhitespace: true,
    minifySyntax: true,
    minifyIdentifiers: isForeign,
    // Node prints the whole line that threw.
    lineLimit: 120,
    legalComments: 'none',
    sourcemap: !isForeign,
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
    'The published files contain, unchanged but for bundling, code of these packages:',
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
