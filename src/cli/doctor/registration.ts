import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import type { Environment } from '../../config-reader.ts'
import type { Deadline } from './deadline.ts'
import { type Finding, ok, problem, skipped, warning } from './findings.ts'
import { inOrder, isRegister, type NodeOptions, type Preload, readNodeOptions } from './preloads.ts'
import { findManifest } from './tree.ts'
import { runTrial, type Trial } from './trial.ts'

export type RegistrationOptions = {
  readonly folder: string
  /** The app's first file, when it was named. */
  readonly app: string | undefined
  readonly env: Environment
  readonly deadline: Deadline
  readonly isDisabled: boolean
}

/** Packages that are instrumented while they are loaded: what has been loaded before is not seen. */
const WATCHED = ['@google/genai', 'fastify']

/** Which preloads the app is started with, and who said so. */
type Start = { readonly source: string | undefined; readonly preloads: readonly Preload[] }

/** Who loads tts-otel/register and when, as told by `NODE_OPTIONS` and package.json, and what it gets in a trial start. */
export async function checkRegistration(options: RegistrationOptions): Promise<readonly Finding[]> {
  const { folder, app, env, deadline, isDisabled } = options
  const nodeOptions = readNodeOptions(env.NODE_OPTIONS ?? '')
  const start = findStart(nodeOptions, folder)
  const at = start.preloads.findIndex(({ specifier }) => isRegister(specifier, folder))
  const before = at < 0 ? start.preloads : start.preloads.slice(0, at)
  const findings = [
    start.source === undefined
      ? warning('register-loaded', 'neither NODE_OPTIONS nor a script of package.json loads tts-otel/register')
      : ok('register-loaded', `${start.source} loads tts-otel/register`),
    ...(app === undefined ? [] : checkApp(app, folder, at >= 0)),
  ]
  if (isDisabled) return [...findings, skipped('register-works', 'OTEL_SDK_DISABLED is true')]
  const trial = await runTrial({ before, others: nodeOptions.others, folder, env, timeoutMs: deadline.stepMs() })
  return [...findings, ...judge(trial, before)]
}

/** `NODE_OPTIONS` alone, else with the flags of a script: Node reads the variable first. */
function findStart({ preloads }: NodeOptions, folder: string): Start {
  if (preloads.some(({ specifier }) => isRegister(specifier, folder))) return { source: 'NODE_OPTIONS', preloads }
  const scripts = Object.entries(findManifest(folder)?.scripts ?? {})
  const byStart = scripts.sort(([a], [b]) => Number(b === 'start') - Number(a === 'start'))
  for (const [name, script] of byStart)
    for (const command of script.split(/&&|\|\||;/)) {
      const own = readNodeOptions(command).preloads
      if (own.some(({ specifier }) => isRegister(specifier, folder)))
        return { source: `the script "${name}" of package.json`, preloads: inOrder([...preloads, ...own]) }
    }
  return { source: undefined, preloads }
}

function judge(trial: Trial, before: readonly Preload[]): readonly Finding[] {
  const names = before.map(({ flag, specifier }) => `${flag} ${specifier}`).join(', ')
  if (trial.kind === 'failed') return [problem('register-works', `a trial start failed: ${trial.reason}`)]
  const early = WATCHED.filter((name) => trial.seen.packages.includes(name))
  return [
    early.length > 0
      ? warning('register-order', `${early.join(' and ')} loaded too early, by ${names}`)
      : ok(
          'register-order',
          before.length === 0 ? 'nothing is loaded before it' : `loaded before it, and none of what is instrumented: ${names}`,
        ),
    trial.refusal === undefined
      ? ok('register-works', `a trial start registers; instrumented: ${trial.instrumented ?? 'nothing'}`)
      : problem('register-works', trial.refusal),
    ...(trial.seen.hasOldLogs ? [warning('api-logs-taken', `another log SDK has it before tts-otel/register: ${names}`)] : []),
  ]
}

/** A script of the app's own that loads register by a statement instead of a flag. */
function checkApp(app: string, folder: string, isPreloaded: boolean): readonly Finding[] {
  const source = readFileSync(app, 'utf8')
  const loads = [...source.matchAll(LOAD)].map((match) => match[1] ?? match[2] ?? '')
  const at = loads.findIndex((specifier) => isRegister(specifier, folder))
  if (at < 0 || isPreloaded) return [ok('register-import', `${app} leaves it to the command line`)]
  if (isEsm(app, source, folder)) return [warning('register-import', `${app} imports tts-otel/register, too late for other imports`)]
  const early = loads.slice(0, at).filter((specifier) => WATCHED.includes(specifier))
  return early.length > 0
    ? [warning('register-import', `${app} requires ${early.join(', ')} before tts-otel/register`)]
    : [ok('register-import', `${app} requires tts-otel/register first`)]
}

/** `import … from 'x'`, `import 'x'` and `require('x')`; good enough for a hint. */
const LOAD = /^\s*import\s+(?:[^'"]*?\sfrom\s+)?['"]([^'"]+)['"]|\brequire\(\s*['"]([^'"]+)['"]\s*\)/gm

function isEsm(app: string, source: string, folder: string): boolean {
  const kind = extname(app).at(1) // .mjs .cjs .mts .cts
  if (kind === 'm' || kind === 'c') return kind === 'm'
  return findManifest(folder)?.type === 'module' || /^\s*import\s/m.test(source)
}
