/** Who has read what through the API: one for each answered question under `/api`. */
export type ApiRead = {
  /** ms since 1970. */
  readonly timeMs: number
  /** The first eight hex digits of the SHA-256 of the token that was shown; '' where none is asked for. */
  readonly reader: string
  /** Of the connection; a proxy's where one stands in front. */
  readonly address: string
  readonly path: string
  /** What was asked for. Of a search text only its length, as people also search for what has leaked. */
  readonly filter: Readonly<Record<string, string>>
  /** Of the answer. */
  readonly status: number
  /** Records that were handed out. */
  readonly rows: number
  readonly durationMs: number
}

/** Takes note of a read. Returns at once, never throws. */
export type RecordRead = (read: ApiRead) => void
