/**
 * Installs the packed SDK as a user would, into an empty folder without this repository, and runs a three-line app under it.
 * Fails with a message that names what did not hold.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startOtlpReceiver } from '../support/otlp-receiver.ts'
import { runNode } from '../support/run-node.ts'

/** The promise of the README. */
const INSTALLED_BYTES_MAX = 3_000_000

const APP = `
import { trace } from '@opentelemetry/api'
import { getLogger, ttsRequest } from 'tts-otel'
await ttsRequest({ text: 'hello', voice: 'Kore' }, async () => getLogger('app').info('from a packed install'))
trace.getTracer('app').startSpan('packed').end()
`

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'tts-otel-packed-'))
try {
  install()
  checkSize()
  checkTypes()
  for (const flag of ['--import', '--require']) await checkTelemetry(flag)
  console.log('The packed install holds: size, types, --import and --require.')
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function install(): void {
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], { cwd: root, encoding: 'utf8' }),
  )
  writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}')
  execFileSync('npm', ['install', '--silent', '--no-audit', '--no-fund', join(folder, packed.filename)], { cwd: folder, stdio: 'inherit' })
}

function checkSize(): void {
  const names = readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.'))
  const bytes = folderBytes(join(folder, 'node_modules', 'tts-otel')) + folderBytes(join(folder, 'node_modules', '@opentelemetry'))
  console.log(`Installed: ${names.join(', ')}; ${(bytes / 1e6).toFixed(2)} MB`)
  if (names.join() !== '@opentelemetry,tts-otel')
    throw new Error(`An install must bring tts-otel and @opentelemetry/api only; it brought ${names.join(', ')}`)
  if (bytes > INSTALLED_BYTES_MAX) throw new Error(`An install may weigh ${INSTALLED_BYTES_MAX} bytes; it weighs ${bytes}`)
}

/** A strict TypeScript consumer that has no other OpenTelemetry package and does not skip library checks. */
function checkTypes(): void {
  writeFileSync(join(folder, 'app.ts'), APP)
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        strict: true,
        module: 'nodenext',
        target: 'es2024',
        noEmit: true,
        skipLibCheck: false,
        types: ['node'],
        typeRoots: [join(root, 'node_modules/@types')],
      },
      files: ['app.ts'],
    }),
  )
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], { stdio: 'inherit' })
}

async function checkTelemetry(flag: string): Promise<void> {
  writeFileSync(join(folder, 'app.js'), APP)
  const receiver = await startOtlpReceiver()
  const { code, stderr } = await runNode([flag, 'tts-otel/register', 'app.js'], {
    cwd: folder,
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' },
  })
  await receiver.close()
  const names = receiver.spans.map(({ name }) => name).sort()
  if (code !== 0) throw new Error(`The app under ${flag} ended with ${code}:\n${stderr}`)
  if (names.join() !== 'packed,tts_request') throw new Error(`Under ${flag} these spans arrived: ${names.join() || 'none'}`)
  if (!receiver.logs.some(({ body }) => body?.stringValue === 'from a packed install'))
    throw new Error(`Under ${flag} the log record did not arrive`)
  if (receiver.metrics.length === 0) throw new Error(`Under ${flag} no metric arrived`)
}

function folderBytes(path: string): number {
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.size
  return readdirSync(path).reduce((sum, name) => sum + folderBytes(join(path, name)), 0)
}
