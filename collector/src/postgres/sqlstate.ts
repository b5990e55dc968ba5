/** What an error of the database means for the rows that were being written. */
export type Verdict =
  | { readonly kind: 'poison' }
  | { readonly kind: 'retry'; readonly afterMs: number }
  /** Nobody knows: it may pass, or be a bug of the server or of ours that these rows meet each time. */
  | { readonly kind: 'fault'; readonly afterMs: number }

const POISON: Verdict = { kind: 'poison' }
const SOON: Verdict = { kind: 'retry', afterMs: 1_000 }
const FAULT: Verdict = { kind: 'fault', afterMs: 1_000 }
/** A full disk or a missing right is mended by a person; asking every second only fills the server's log. */
const LATER: Verdict = { kind: 'retry', afterMs: 10_000 }

/**
 * A SQLSTATE, or its first two digits -> what to do. Only what the rows themselves cause is poison: everything else may
 * pass, and a sender drops what is refused.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const VERDICTS: Readonly<Record<string, Verdict>> = {
  '22': POISON, // data exception: a value that its type refuses
  '23': POISON, // integrity constraint violation
  '23514': SOON, // check violation: our only checks are the partitions', and one was made at this moment
  '54': POISON, // program limit exceeded: an index key or a nesting that is too big
  '08': SOON, // connection exception
  '40': SOON, // transaction rollback: deadlock, serialization
  '55': SOON, // object not in prerequisite state: a lock that is held
  '57': SOON, // operator intervention: shutdown, cannot connect now, statement timeout
  '53': LATER, // insufficient resources: disk full, too many connections
  '28': LATER, // invalid authorization
  '3D': LATER, // no such database
  '42': LATER, // no such table, no right to it
  '58': LATER, // system error: I/O
}

/** Decides about an error of a write. An error without a SQLSTATE is a connection that broke or a wait that ended. */
export function verdict(error: unknown): Verdict {
  const state = sqlState(error)
  return VERDICTS[state] ?? VERDICTS[state.slice(0, 2)] ?? (state !== '' || isBug(error) ? FAULT : SOON)
}

/** What JavaScript throws by itself when a program is wrong; connections and waits end with plain errors. */
function isBug(error: unknown): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError
}

/** The five characters of the error that the server reported, '' when the error is not the server's. */
export function sqlState(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  // Codes of Node look alike (EPIPE), so the server's own field is asked for as well.
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && code !== 'EPIPE' ? code : ''
}
