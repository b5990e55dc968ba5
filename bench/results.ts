/** Where a bench puts what it has measured: on the screen and, with `--write`, in its section of results.md. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os'
import { fileURLToPath } from 'node:url'

export type Section = {
  readonly title: string
  /** Of package.json: what measures it. */
  readonly script: string
  /** Markdown: what was measured, how and in which unit, and the figures. */
  readonly text: string
}

const WRITE = '--write'
const HEADING = /^## .*: `npm run ([\w:-]+)/
const root = fileURLToPath(new URL('..', import.meta.url))
/** When this module is loaded, before anything is measured: the work itself makes load, may outlast a commit, and may stay on one core. */
const start = {
  day: new Date().toISOString().slice(0, 10),
  load: loadavg()[0] ?? Number.NaN,
  cores: availableParallelism(),
  revision: revision(),
}

/** What the bench was called with, `--write` aside. */
export const words: readonly string[] = process.argv.slice(2).filter((word) => word !== WRITE)

/** Prints a section; `--write` puts it into results.md in place of the one that the script has there. */
export function tellResults(section: Section, file: string | URL = new URL('results.md', import.meta.url)): void {
  const text = sectionText(section)
  console.log(text)
  if (process.argv.includes(WRITE)) replaceSection(file, text)
}

/** Sections have the order of their scripts in package.json. */
function replaceSection(file: string | URL, section: string): void {
  const [head, ...sections] = readFileSync(file, 'utf8').split(/^(?=## )/m)
  const others = sections.filter((text) => scriptOf(text) !== scriptOf(section))
  const scripts = Object.keys(JSON.parse(readFileSync(`${root}package.json`, 'utf8')).scripts)
  const order = (text: string) => scripts.indexOf(scriptOf(text) ?? '')
  const sorted = [...others, section].toSorted((a, b) => order(a) - order(b))
  writeFileSync(file, `${[head, ...sorted].map((text) => text?.trimEnd()).join('\n\n')}\n`)
}

/** The script that a section, or its first line, names. */
export function scriptOf(section: string): string | undefined {
  return HEADING.exec(section)?.[1]
}

/** A table in Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** With separators of thousands, and this many digits behind the point. */
export function figure(value: number, digits = 0): string {
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

function sectionText({ title, script, text }: Section): string {
  const command = `npm run ${script}${words.length === 0 ? '' : ` -- ${words.join(' ')}`}`
  return `## ${title}: \`${command}\`\n\n${machine()}\n\n${text.trim()}\n`
}

/** What the figures hold for; nothing by which one machine could be told from another of its kind. */
function machine(): string {
  const gib = `${(totalmem() / 2 ** 30).toFixed(0)} GiB`
  const cores = `${start.cores} cores (${cpus()[0]?.model.trim()})`
  const load = `load ${start.load.toFixed(1)} at the start`
  return `*${start.day}, Node ${process.versions.node}, ${cores}, ${gib}, ${type()} ${release()}, ${load}, revision ${start.revision}*`
}

/** Of what is measured: without results.md, which the bench before may have written. */
function revision(): string {
  const git = (...words: string[]) =>
    execFileSync('git', words, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  try {
    const changed = git('diff', '--name-only', 'HEAD', '--', '.', ':(exclude)bench/results.md')
    return `${git('rev-parse', '--short', 'HEAD')}${changed === '' ? '' : ' with changes'}`
  } catch {
    return 'unknown' // not a checkout
  }
}
