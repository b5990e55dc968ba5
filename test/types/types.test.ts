import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const compiler = join(root, 'node_modules/typescript/bin/tsc')
/** A project of its own, with our declarations as they are published. */
const project = mkdtempSync(join(tmpdir(), 'tts-otel-types-'))
const consumer = (file: string) => fileURLToPath(new URL(`consumer/${file}`, import.meta.url))

/** What the compiler has to say; empty when it is content. */
async function compile(...args: readonly string[]): Promise<string> {
  return promisify(execFile)(process.execPath, [compiler, ...args]).then(
    () => '',
    (error) => `${error.stdout}${error.stderr}`,
  )
}

/** As a strict project compiles; `skipLibCheck: false` reads every declaration of ours to its end. */
function writeProject(file: string, skipLibCheck: boolean): string {
  copyFileSync(consumer(file), join(project, file))
  const path = join(project, `tsconfig.${file}.json`)
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    module: 'nodenext',
    target: 'es2024',
    lib: ['es2024'],
    types: ['node'],
    noEmit: true,
    skipLibCheck,
  }
  writeFileSync(path, JSON.stringify({ compilerOptions, files: [file] }))
  return path
}

beforeAll(async () => {
  const modules = join(project, 'node_modules')
  mkdirSync(join(modules, 'tts-otel'), { recursive: true })
  mkdirSync(join(modules, '@types'))
  mkdirSync(join(modules, '@opentelemetry'))
  writeFileSync(join(project, 'package.json'), '{"type":"module"}')
  copyFileSync(join(root, 'package.json'), join(modules, 'tts-otel/package.json'))
  symlinkSync(join(root, 'node_modules/@types/node'), join(modules, '@types/node'))
  symlinkSync(join(root, 'node_modules/@opentelemetry/api'), join(modules, '@opentelemetry/api'))
  const outDir = join(modules, 'tts-otel/dist')
  expect(await compile('-p', join(root, 'tsconfig.build.json'), '--outDir', outDir)).toBe('')
})
afterAll(() => rmSync(project, { recursive: true, force: true }))

test('everything that is exported has a type, in a strict project that has none of the frameworks', async () => {
  expect(await compile('-p', writeProject('everything.ts', false))).toBe('')
})

test('the middleware fits the types of Fastify, Express and Hono', async () => {
  for (const name of ['fastify', 'hono', 'express', '@types/express'])
    symlinkSync(join(root, 'node_modules', name), join(project, 'node_modules', name))
  expect(await compile('-p', writeProject('frameworks.ts', true))).toBe('')
})

test('alert rules can be used in process, with types of their own', async () => {
  const folder = join(project, 'node_modules/tts-otel-collector')
  mkdirSync(folder)
  copyFileSync(join(root, 'collector/package.json'), join(folder, 'package.json'))
  mkdirSync(join(project, 'node_modules/@marcbachmann'))
  symlinkSync(join(root, 'node_modules/@marcbachmann/cel-js'), join(project, 'node_modules/@marcbachmann/cel-js'))
  expect(await compile('-p', join(root, 'collector/tsconfig.build.json'), '--outDir', join(folder, 'dist/types'))).toBe('')
  expect(await compile('-p', writeProject('alerts.ts', false))).toBe('')
})
