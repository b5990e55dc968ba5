import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
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

/**
 * What `file` holds, in the order in which it was written first; nothing when there is none. A last line that was cut off, as by a
 * power cut, never counted; of any other that is broken `onBroken` is told (counted from 1), and what comes behind it is read.
 */
export function readJournal(file: string, onBroken: (line: number) => void = () => undefined): readonly KeptRecord[] {
  const records = new Map<string, KeptRecord>()
  const lines = readText(file).split('\n')
  for (const [index, line] of lines.entries()) {
    const changes = parseLine(line)
    if (changes === undefined && index < lines.length - 1) onBroken(index + 1)
    for (const [kind, key, text] of changes ?? []) {
      const id = `${kind} ${key}`
      if (text === undefined) records.delete(id)
      else records.set(id, { kind, key, text })
    }
  }
  return [...records.values()]
}

/** Gives `file` a second name, under which it outlasts being written anew, and returns that. Throws when the folder cannot be written. */
export function keepAside(file: string): string {
  const aside = `${file}.broken`
  rmSync(aside, { force: true })
  linkSync(file, aside)
  return aside
}

/**
 * Opens `file` for writing, with what `current` gives as its content. When it cannot be written `onFault` is told, and the next change
 * tries it again; without `onFault` it throws.
 */
export function openJournal(file: string, current: () => readonly KeptRecord[], onFault?: (error: Error) => void): Journal {
  let size = { written: 0, needed: 0 }
  let handle: Promise<FileHandle> | undefined
  let isBroken = true

  function writeAnew(): void {
    mkdirSync(dirname(file), { recursive: true })
    size = rewrite(file, current())
    handle = open(file, 'a')
    // Whoever appends next learns it.
    handle.catch(() => undefined)
    isBroken = false
  }

  try {
    writeAnew()
  } catch (error) {
    if (onFault === undefined || !(error instanceof Error)) throw error
    onFault(error)
  }

  async function closeHandle(): Promise<void> {
    await handle?.then((opened) => opened.close()).catch(() => undefined)
    handle = undefined
  }

  return {
    async append(changes) {
      // After a failure nobody knows how the file ends. What it is to hold is in memory, these changes included.
      if (isBroken || size.written > Math.max(REWRITE_BYTES, 4 * size.needed)) {
        await closeHandle()
        return writeAnew()
      }
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
    close: closeHandle,
  }
}

type Line = readonly (readonly [kind: string, key: string, text?: string])[]

function toLine(line: Line): string {
  return `${JSON.stringify(line)}\n`
}

function parseLine(line: string): Line | undefined {
  try {
    const changes: unknown = JSON.parse(line)
    return isLine(changes) ? changes : undefined
  } catch {
    return undefined
  }
}

function isLine(changes: unknown): changes is Line {
  return Array.isArray(changes) && changes.every(Array.isArray)
}

/** In one step, so that a crash leaves the old file or the new one. */
function rewrite(file: string, records: readonly KeptRecord[]): { readonly written: number; readonly needed: number } {
  const text = toLine(records.map(({ kind, key, text }) => [kind, key, text]))
  const draft = `${file}.new`
  try {
    const descriptor = openSync(draft, 'w', 0o600)
    try {
      writeFileSync(descriptor, text)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
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
