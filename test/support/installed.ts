import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** A folder for an app that finds the built package, and `packages` of this repository, as if they were installed. To be removed by the caller. */
export function makeAppFolder(packages: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'tts-otel-app-'))
  mkdirSync(join(folder, 'node_modules'))
  for (const name of packages) symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name))
  symlinkSync(ROOT, join(folder, 'node_modules/tts-otel'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  return folder
}
