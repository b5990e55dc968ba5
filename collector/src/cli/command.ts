import type { CollectorConfig } from '../config.ts'
import type { Store } from '../stores.ts'

/** What a command says and the exit code of the process: 0 done, 1 a problem, 2 wrong usage. */
export type CommandResult = { readonly code: number; readonly stdout?: string; readonly stderr?: string }

/** A command of the collector's program, with the words behind its name. Rejects when a store fails or the settings are wrong. */
export type Command = (
  words: readonly string[],
  open: () => Promise<readonly Store[]>,
  configure: () => CollectorConfig,
) => Promise<CommandResult>

/** Runs `work` on the stores and closes them whatever happens. */
export async function withStores<T>(open: () => Promise<readonly Store[]>, work: (stores: readonly Store[]) => Promise<T>): Promise<T> {
  const stores = await open()
  try {
    return await work(stores)
  } finally {
    for (const store of stores) await store.close()
  }
}

/** What would end a line, or tell a terminal to do something. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g

/** `text` as one line that moves no cursor. */
export function onOneLine(text: string): string {
  return text.replace(CONTROL, (character) => (character === '\n' ? '\\n' : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`))
}
