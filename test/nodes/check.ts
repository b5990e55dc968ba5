/**
 * Runs the tests of the built bundle on every Node line it supports: the oldest, the newest 22, 24 and 26; and sees that an older one
 * runs its app without telemetry. The npm package `node` brings each binary; they are kept in `.cache/nodes`.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const VERSIONS = ['22.15.0', '22.23.3', '24.21.0', '26.10.0'] as const
const TOO_OLD = '20.20.2'
const root = fileURLToPath(new URL('../..', import.meta.url))

for (const version of VERSIONS) {
  const node = installNode(version)
  console.log(`\nThe bundle on Node ${execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()}`)
  execFileSync('npx', ['vitest', 'run', 'test/bundle'], { cwd: root, stdio: 'inherit', env: { ...process.env, TTS_OTEL_TEST_NODE: node } })
}

const old = spawnSync(installNode(TOO_OLD), ['--import', './register.js', '--eval', 'console.log("alive")'], {
  cwd: root,
  encoding: 'utf8',
})
if (old.status !== 0 || old.stdout !== 'alive\n' || !old.stderr.includes('needs Node 22.15'))
  throw new Error(
    `On Node ${TOO_OLD} the app must run, and be told why there is no telemetry. It ended with ${old.status}:\n${old.stdout}${old.stderr}`,
  )
console.log(`\nNode ${TOO_OLD}: ${old.stderr}`)

function installNode(version: string): string {
  const directory = join(root, '.cache', 'nodes', version)
  const binary = join(directory, 'node_modules', '.bin', 'node')
  if (existsSync(binary)) return binary
  mkdirSync(directory, { recursive: true })
  writeFileSync(
    join(directory, 'package.json'),
    JSON.stringify({ private: true, allowScripts: { node: true }, dependencies: { node: version } }),
  )
  execFileSync('npm', ['install', '--silent', '--no-audit', '--no-fund'], { cwd: directory, stdio: 'inherit' })
  return binary
}
