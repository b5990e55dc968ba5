/** The real command line in a child process, in a folder that is made for the test. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Code, Status } from '../../../src/cli/doctor/findings.ts'
import { type Ended, runNode } from '../../support/run-node.ts'

const MAIN = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url))

/** `tts-otel/register` as a file. */
export const REGISTER = fileURLToPath(new URL('../../../src/register.ts', import.meta.url))

export type Run = { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> }

export type Reported = {
  readonly code: Code
  readonly section: string
  readonly checked: string
  readonly status: Status
  readonly detail: string
  readonly remedy?: string
}

export type Report = {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
  readonly status: Status
  readonly findings: readonly Reported[]
  readonly settings: readonly { readonly name: string; readonly value?: string; readonly origin: string }[]
  /** The findings under one code, as `status: detail`. */
  of(code: Code): readonly string[]
  /** Codes of the findings with this status. */
  codes(status: Status): readonly Code[]
}

export async function runCli(words: readonly string[], { cwd, env = {} }: Run = {}): Promise<Ended> {
  return await runNode([MAIN, ...words], { env, ...(cwd === undefined ? {} : { cwd }) })
}

/** `tts-otel doctor --json`, read. */
export async function examine(run: Run, words: readonly string[] = []): Promise<Report> {
  const { code, stdout, stderr } = await runCli(['doctor', '--json', ...words], run)
  const { status, findings, settings } = JSON.parse(stdout)
  return {
    exitCode: code,
    stdout,
    stderr,
    status,
    findings,
    settings,
    of: (wanted) =>
      findings.filter((found: Reported) => found.code === wanted).map((found: Reported) => `${found.status}: ${found.detail}`),
    codes: (wanted) => findings.filter((found: Reported) => found.status === wanted).map((found: Reported) => found.code),
  }
}

/** A folder of an app with these files; a value that is an absolute path becomes a link to it. `remove` takes it away. */
export function makeApp(files: Readonly<Record<string, string | object>>): { readonly folder: string; readonly remove: () => void } {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'tts-otel-doctor-')))
  const all: Readonly<Record<string, string | object>> = { 'package.json': { name: 'app', version: '1.0.0' }, ...files }
  for (const [name, content] of Object.entries(all)) {
    const path = join(folder, name)
    mkdirSync(dirname(path), { recursive: true })
    if (typeof content === 'string' && content.startsWith('/')) symlinkSync(content, path)
    else writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  }
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

/** A package of the repository's own `node_modules`. */
export function installed(name: string): string {
  return realpathSync(fileURLToPath(new URL(`../../../node_modules/${name}`, import.meta.url)))
}
