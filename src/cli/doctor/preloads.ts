import { realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A module that Node loads before the app. */
export type Preload = { readonly flag: '--require' | '--import'; readonly specifier: string }

export type NodeOptions = {
  /** In the order in which Node runs them: all `--require` first. */
  readonly preloads: readonly Preload[]
  /** All other options, as words. */
  readonly others: readonly string[]
}

const FLAGS: Readonly<Record<string, Preload['flag']>> = { '-r': '--require', '--require': '--require', '--import': '--import' }

/** Reads `NODE_OPTIONS` or a command line. Double quotes hold words together, as Node and shells have it. */
export function readNodeOptions(text: string): NodeOptions {
  const preloads: Preload[] = []
  const others: string[] = []
  const words = splitWords(text)
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const [name = '', value] = splitOnce(word)
    const flag = FLAGS[name]
    const specifier = flag === undefined ? undefined : (value ?? words.shift())
    if (flag === undefined || specifier === undefined) others.push(word)
    else preloads.push({ flag, specifier })
  }
  return { preloads: inOrder(preloads), others }
}

/** Sorted as Node runs them; equal flags keep their order. */
export function inOrder(preloads: readonly Preload[]): readonly Preload[] {
  const of = (flag: Preload['flag']) => preloads.filter((preload) => preload.flag === flag)
  return [...of('--require'), ...of('--import')]
}

/** Words as the value of `NODE_OPTIONS`. */
export function writeNodeOptions(words: readonly string[]): string {
  return words.map((word) => (/[\s"\\]/.test(word) ? `"${word.replace(/["\\]/g, '\\$&')}"` : word)).join(' ')
}

/** The files of this package that register, seen from the built file and from this source. */
const OWN_FILES = ['../register.js', '../../register.js', '../../register.ts', '../../../register.js']

/** Whether a specifier, as written in `folder`, is tts-otel/register: by name, by the path of an installed copy, or by our own file. */
export function isRegister(specifier: string, folder: string): boolean {
  if (specifier === 'tts-otel/register') return true
  const path = URL.parse(specifier)?.protocol === 'file:' ? new URL(specifier).pathname : resolve(folder, specifier)
  if (/\/tts-otel\/(dist\/)?register\.js$/.test(path.replaceAll('\\', '/'))) return true
  const real = realPath(path)
  return real !== undefined && OWN_FILES.some((file) => realPath(fileURLToPath(new URL(file, import.meta.url))) === real)
}

function splitWords(text: string): string[] {
  const words = text.match(/(?:"(?:\\.|[^"\\])*"|'[^']*'|[^\s"'])+/g) ?? []
  return words.map((word) =>
    word.replace(/"((?:\\.|[^"\\])*)"|'([^']*)'/g, (_, double, single) => single ?? double.replace(/\\(.)/g, '$1')),
  )
}

function splitOnce(word: string): readonly [string, string | undefined] {
  const at = word.indexOf('=')
  return word.startsWith('--') && at > 0 ? [word.slice(0, at), word.slice(at + 1)] : [word, undefined]
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}
