/** Bytes that can be looked at without having them all, such as the head of a base64 string. `read` gives fewer bytes at the end, never throws. */
export type ByteSource = { readonly length: number; read(offset: number, length: number): Uint8Array }

/** A piece of audio: bytes, or base64 of its own (standard or url-safe, padded or not). Undefined for anything else. */
export function toSource(piece: unknown): ByteSource | undefined {
  if (typeof piece === 'string') return fromBase64(piece)
  return piece instanceof Uint8Array ? fromBytes(piece) : undefined
}

/** The second behind the first, which is small. */
export function join(first: Uint8Array, second: ByteSource): ByteSource {
  return {
    length: first.length + second.length,
    read(offset, length) {
      if (offset >= first.length) return second.read(offset - first.length, length)
      const start = first.subarray(offset, offset + length)
      return start.length === length ? start : Buffer.concat([start, second.read(0, length - start.length)])
    },
  }
}

function fromBytes(bytes: Uint8Array): ByteSource {
  return { length: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) }
}

/** Decodes only what is read, four characters for three bytes. */
function fromBase64(text: string): ByteSource {
  const line = lineOf(text)
  const characters = countCharacters(text, line)
  const length = Math.floor((characters * 3) / 4)
  const at = (character: number) => (line ? character + Math.floor(character / line.characters) * line.breakCharacters : character)
  return {
    length,
    read(offset, count) {
      const group = Math.floor(offset / 3)
      const groups = Math.ceil(Math.min(offset + count, length) / 3) - group
      const decoded = Buffer.from(text.slice(at(group * 4), at((group + groups) * 4)), 'base64')
      const skip = offset - group * 3
      return decoded.subarray(skip, skip + count)
    },
  }
}

type Line = { readonly characters: number; readonly breakCharacters: number }

/** MIME has lines of 76 characters, PEM of 64. */
const LINE_CHARACTERS_MAX = 78

/** How the text is broken into lines; undefined for one that is not, as in JSON. */
function lineOf(text: string): Line | undefined {
  const end = text.slice(0, LINE_CHARACTERS_MAX).indexOf('\n')
  const breakCharacters = text[end - 1] === '\r' ? 2 : 1
  const characters = end + 1 - breakCharacters
  return end >= 0 && characters > 0 ? { characters, breakCharacters } : undefined
}

/** Without padding and line breaks. */
function countCharacters(text: string, line: Line | undefined): number {
  let end = text.length
  while (end > 0 && text.length - end < PADDING_MAX && '=\r\n'.includes(text[end - 1]!)) end--
  if (!line) return end
  const lineLength = line.characters + line.breakCharacters
  return end - Math.floor(end / lineLength) * line.breakCharacters
}

/** `==` and a line break before, between and behind. */
const PADDING_MAX = 6
