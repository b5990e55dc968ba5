/** Reads a mail as a mail program does, as far as the tests need it. */
export type Letter = {
  /** Values by lower-case name, unfolded and decoded, in the order in which they came. */
  readonly headers: Readonly<Record<string, readonly string[]>>
  /** Decoded bodies by content type, such as `text/plain`. */
  readonly bodies: Readonly<Record<string, string>>
}

export function readLetter(source: string): Letter {
  const { headers, body } = split(source)
  const boundary = /boundary="?([^";]+)"?/.exec(headers['content-type']?.[0] ?? '')?.[1]
  const parts = boundary === undefined ? [source] : body.split(`--${boundary}`).slice(1, -1)
  const bodies = parts.map((part) => {
    const inner = split(part.replace(/^\r\n|\r\n$/g, ''))
    const type = inner.headers['content-type']?.[0]?.split(';')[0] ?? 'text/plain'
    return [type, decode(inner.body, inner.headers['content-transfer-encoding']?.[0])] as const
  })
  return { headers, bodies: Object.fromEntries(bodies) }
}

function split(source: string): { headers: Record<string, string[]>; body: string } {
  const at = source.indexOf('\r\n\r\n')
  const headers: Record<string, string[]> = {}
  for (const line of source
    .slice(0, at)
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n')) {
    const [, name = '', value = ''] = /^([^:]+): ?(.*)$/s.exec(line) ?? []
    const known = headers[name.toLowerCase()] ?? []
    headers[name.toLowerCase()] = [...known, decodeWords(value)]
  }
  return { headers, body: source.slice(at + 4) }
}

/** RFC 2047; white space between two encoded words belongs to neither. */
function decodeWords(value: string): string {
  return value.replace(/\?=\s+=\?/g, '?==?').replace(/(?:=\?utf-8\?([qb])\?([^?]*)\?=)+/gi, (words) => {
    const bytes = [...words.matchAll(/=\?utf-8\?([qb])\?([^?]*)\?=/gi)].map(([, kind, text = '']) =>
      kind?.toLowerCase() === 'b' ? Buffer.from(text, 'base64') : quotedPrintable(text.replaceAll('_', ' ')),
    )
    return Buffer.concat(bytes).toString()
  })
}

function decode(body: string, encoding = '7bit'): string {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString()
  return encoding === 'quoted-printable' ? quotedPrintable(body.replace(/=\r\n/g, '')).toString() : body
}

function quotedPrintable(text: string): Buffer {
  return Buffer.from(
    text.replace(/=([0-9A-F]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )
}
