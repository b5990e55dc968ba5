import type { CommandResult } from './command.ts'
import { readWords } from './words.ts'

/** What a command found in one file. */
export type FileResult = { readonly text: string; readonly problems: readonly string[] }

export type OnFilesOptions = {
  /** `alerts check`. */
  readonly command: string
  readonly help: string
  /** Stands between the texts of two files. */
  readonly between: string
  readonly look: (file: string) => FileResult
}

/** A command that looks at each file that it is given: texts go to stdout, problems to stderr, and any of these makes its code 1. */
export function runOnFiles(words: readonly string[], { command, help, between, look }: OnFilesOptions): CommandResult {
  const { plain, options, problem } = readWords(words, { help: 'flag' })
  if (options.help) return { code: 0, stdout: help }
  if (problem !== undefined || plain.length === 0)
    return { code: 2, stderr: `tts-otel-collector ${command}: ${problem ?? 'which file?'}\n\n${help}` }
  const results = plain.map(look)
  return {
    code: results.some(({ problems }) => problems.length > 0) ? 1 : 0,
    stdout: results.map(({ text }) => text).join(between),
    stderr: results.flatMap(({ problems }) => problems.map((line) => `${line}\n`)).join(''),
  }
}
