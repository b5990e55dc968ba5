/** The set-ups that every benchmark compares: how each is switched on, and with which environment. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

export type Setup = {
  readonly name: string
  /** Node flags before the app. */
  readonly flags: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

const here = fileURLToPath(new URL('.', import.meta.url))
const peers = join(here, 'peers')

export function listSetups(): readonly Setup[] {
  const stock = pathToFileURL(join(peers, 'node_modules/@opentelemetry/auto-instrumentations-node/dist/register.mjs')).href
  const hook = pathToFileURL(join(peers, 'node_modules/@opentelemetry/instrumentation/hook.mjs')).href
  const edot = pathToFileURL(join(peers, 'node_modules/@elastic/opentelemetry-node/import.mjs')).href
  const everySignal = { OTEL_METRICS_EXPORTER: 'otlp', OTEL_LOGS_EXPORTER: 'otlp', OTEL_TRACES_EXPORTER: 'otlp' }
  return [
    { name: 'bare', flags: [], env: {} },
    { name: 'tts-otel', flags: ['--import', join(here, '../register.js')], env: {} },
    { name: 'stock', flags: ['--import', stock], env: everySignal },
    // It brings a copy of the API of its own, which the app has to use.
    {
      name: 'EDOT',
      flags: ['--import', edot],
      env: { ...everySignal, BENCH_OTEL_FROM: join(peers, 'node_modules/@elastic/opentelemetry-node/package.json') },
    },
    { name: 'stock, ESM hook', flags: [`--experimental-loader=${hook}`, '--import', stock], env: everySignal },
  ]
}

/** What the names of {@link listSetups} mean, in a sentence for results.md. */
export function describePeers(): string {
  const { dependencies } = JSON.parse(readFileSync(peersRequire, 'utf8'))
  const named = (name: string) => `\`${name}\` ${dependencies[name]}`
  return (
    `Stock is ${named('@opentelemetry/auto-instrumentations-node')} with its \`register.mjs\`, with the ESM hook also the loader that ` +
    `OpenTelemetry documents for ESM apps; EDOT is ${named('@elastic/opentelemetry-node')}. Each sends every signal.`
  )
}

/** The folder from which benchmarked apps resolve their packages. */
export const peersRequire = join(peers, 'package.json')

/** Installs what the benchmarks compare with, once. */
export function installPeers(): void {
  const { dependencies } = JSON.parse(readFileSync(peersRequire, 'utf8'))
  if (Object.keys(dependencies).every((name) => existsSync(join(peers, 'node_modules', name)))) return
  execFileSync('npm', ['install', '--silent', '--no-audit', '--no-fund', '--no-package-lock', '--workspaces=false'], {
    cwd: peers,
    stdio: 'inherit',
  })
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
