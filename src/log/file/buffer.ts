/** Lines on their way into a file, in order. */
export type LineBuffer = {
  readonly add: (line: string) => void
  /** Everything, as bytes to write; it stays until one of the next three. */
  readonly bytes: () => Buffer
  /** All of them are in the file. */
  readonly done: () => void
  /**
   * Of `bytes`, the first `written` are in the file, the last of them perhaps in the middle of a line. With `isStream` that line goes on
   * from there. Otherwise somebody else may write in between: its start stays as a line of its own, and it comes again as a whole.
   */
  readonly keep: (bytes: Buffer, written: number, isStream: boolean) => void
  /** Forgets everything; gives how many lines that were. */
  readonly clear: () => number
  readonly lines: () => number
  /** A character takes one or two bytes of memory. */
  readonly characters: () => number
}

const NEWLINE = 10
const NOTHING: Buffer = Buffer.alloc(0)

export function createLineBuffer(): LineBuffer {
  let text = ''
  let lines = 0
  /** Comes before `text`. */
  let rest: Buffer = NOTHING
  /** The file ends in half a line. */
  let isTorn = false
  /** `rest` begins with the other half. */
  let isContinued = false

  function add(line: string): void {
    text += line
    lines++
  }

  function bytes(): Buffer {
    const isSimple = rest.length === 0 && !isTorn
    if (isSimple) return Buffer.from(text)
    return Buffer.concat([isTorn && !isContinued ? Buffer.from('\n') : NOTHING, rest, Buffer.from(text)])
  }

  function keep(all: Buffer, written: number, isStream: boolean): void {
    const lineStart = written === 0 ? 0 : all.lastIndexOf(NEWLINE, written - 1) + 1
    if (written > 0) isTorn = lineStart < written
    isContinued = isTorn && (isStream || (written === 0 && isContinued))
    rest = all.subarray(isContinued ? written : lineStart)
    // The newline that closes a torn line is put in front anew.
    if (isTorn && !isContinued && rest[0] === NEWLINE) rest = rest.subarray(1)
    text = ''
    lines = countLines(rest)
  }

  function clear(): number {
    const cleared = lines
    text = ''
    lines = 0
    rest = NOTHING
    isContinued = false
    return cleared
  }

  function done(): void {
    clear()
    isTorn = false
  }

  return { add, bytes, done, keep, clear, lines: () => lines, characters: () => text.length + rest.length }
}

function countLines(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) count++
  return count
}
