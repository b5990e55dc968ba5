import type { CollectorConfig } from '../config.ts'
import type { StoreName } from '../letters.ts'
import { type OpenedStores, openStores, type Store } from '../stores.ts'

/** What a command says and the exit code of the process: 0 done, 1 a problem, 2 wrong usage. */
export type CommandResult = { readonly code: number; readonly stdout?: string; readonly stderr?: string }

export type CommandOptions = {
  /** Those behind its name. */
  readonly words: readonly string[]
  /** Reads the settings of this process; throws with what is wrong in them. */
  readonly configure: () => CollectorConfig
}

/** A command of the collector's program. Rejects when a store fails or the settings are wrong. */
export type Command = (options: CommandOptions) => Promise<CommandResult>

/** Runs `work` on the stores that the config names and closes them whatever happens. Rejects when one cannot be opened. */
export async function withStores<T>(config: CollectorConfig, work: (stores: readonly Store[]) => Promise<T>): Promise<T> {
  return await withOpened(await openStores(config), async ({ stores, away }) => {
    if (away[0] !== undefined) throw away[0].error
    return await work(stores)
  })
}

/** The same on those that can be opened, or on the one with the name `only`; `work` learns which cannot. Rejects when none can. */
export async function withReachableStores<T>(
  { config, only }: { readonly config: CollectorConfig; readonly only: StoreName | undefined },
  work: (opened: OpenedStores) => Promise<T>,
): Promise<T> {
  return await withOpened(await openStores(config, only), async (opened) => {
    if (opened.stores.length === 0 && opened.away[0] !== undefined) throw opened.away[0].error
    return await work(opened)
  })
}

async function withOpened<T>(opened: OpenedStores, work: (opened: OpenedStores) => Promise<T>): Promise<T> {
  try {
    return await work(opened)
  } finally {
    for (const store of opened.stores) await store.close()
  }
}

/** What would end a line, or tell a terminal to do something. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g

/** `text` as one line that moves no cursor. */
export function onOneLine(text: string): string {
  return text.replace(CONTROL, (character) => (character === '\n' ? '\\n' : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`))
}
