import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { KeptRecord, RecordChange } from '../record.ts'

/** Records in a file of one line for each change, so that a process that is killed loses nothing that was written. */
export type Journal = {
  /** Resolves when the changes are on the disk, all of them; those of one call are all there after a crash, or none. */
  append(changes: readonly RecordChange[]): Promise<void>
  close(): Promise<void>
}

/** Above this, and when most of it is history, the file is written anew. */
const REWRITE_BYTES = 4 << 20

/** What `file` holds, in the order in which it was written first; nothing when there is none. Lines that are broken, as by a power cut, end it. */
export function readJournal(file: string): readonly KeptRecord[] {
  const records = new Map<string, KeptRecord>()
  for (const line of readText(file).split('\n')) {
    const changes = parseLine(line)
    if (changes === undefined) break
    for (const [kind, key, text] of changes) {
      const id = `${kind} ${key}`
      if (text === undefined) records.delete(id)
      else records.set(id, { kind, key, text })
    }
  }
  return [...records.values()]
}

/** Opens `file` for writing, with what `current` gives as its content. Throws when the folder cannot be written. */
export function openJournal(file: string, current: () => readonly KeptRecord[]): Journal {
  mkdirSync(dirname(file), { recursive: true })
  let size = rewrite(file, current())
  let handle: Promise<FileHandle> | undefined = open(file, 'a')
  let isBroken = false

  async function writeAnew(): Promise<void> {
    await handle?.then((opened) => opened.close()).catch(() => undefined)
    handle = undefined
    size = rewrite(file, current())
    handle = open(file, 'a')
    isBroken = false
  }

  return {
    async append(changes) {
      // After a failure nobody knows how the file ends. What it is to hold is in memory, these changes included.
      if (isBroken || size.written > Math.max(REWRITE_BYTES, 4 * size.needed)) return await writeAnew()
      const line = toLine(changes.map(({ kind, key, text }) => (text === undefined ? [kind, key] : [kind, key, text])))
      try {
        const opened = await handle!
        await opened.appendFile(line)
        await opened.datasync()
        size = { ...size, written: size.written + line.length }
      } catch (error) {
        isBroken = true
        throw error
      }
    },
    async close() {
      await handle?.then((opened) => opened.close()).catch(() => undefined)
      handle = undefined
    },
  }
}

type Line = readonly (readonly [kind: string, key: string, text?: string])[]

function toLine(line: Line): string {
  return `${JSON.stringify(line)}\n`
}

function parseLine(line: string): Line | undefined {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/** In one step, so that a crash leaves the old file or the new one. */
function rewrite(file: string, records: readonly KeptRecord[]): { readonly written: number; readonly needed: number } {
  const text = toLine(records.map(({ kind, key, text }) => [kind, key, text]))
  const draft = `${file}.new`
  const descriptor = openSync(draft, 'w', 0o600)
  try {
    writeSync(descriptor, text)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  renameSync(draft, file)
  return { written: text.length, needed: text.length }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return ''
    throw error
  }
}
