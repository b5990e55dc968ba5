/** What an error of the database means for the rows that were being written. */
export type Verdict =
  | { readonly kind: 'poison' }
  | { readonly kind: 'retry'; readonly afterMs: number }
  /** Nobody knows: it may pass, or be a bug of the server or of ours that these rows meet each time. */
  | { readonly kind: 'fault'; readonly afterMs: number }

const POISON: Verdict = { kind: 'poison' }
const SOON: Verdict = { kind: 'retry', afterMs: 1_000 }
const FAULT: Verdict = { kind: 'fault', afterMs: 1_000 }
/**
 * A full disk, a missing right or a pooler between us and the server is mended by a person; asking every second only fills the
 * server's log.
 */
const LATER: Verdict = { kind: 'retry', afterMs: 10_000 }

/**
 * A SQLSTATE, or its first two digits -> what to do: each class of
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 *
 * Only what the rows themselves cause is poison: everything else may pass, and a sender drops what is refused. What no row can
 * cause is no fault either, or ten failures would make dead letters of good rows.
 */
export const VERDICTS: Readonly<Record<string, Verdict>> = {
  '22': POISON, // data exception: a value that its type refuses
  '23': POISON, // integrity constraint violation
  '23514': SOON, // check violation: our only checks are the partitions', and one was made at this moment
  '54': POISON, // program limit exceeded: an index key or a nesting that is too big

  '08': SOON, // connection exception
  '40': SOON, // transaction rollback: deadlock, serialization
  '55': SOON, // object not in prerequisite state: a lock that is held
  '57': SOON, // operator intervention: shutdown, cannot connect now, statement timeout
  '72': SOON, // snapshot failure

  '0A': LATER, // feature not supported: another server than we know, or another table
  '0B': LATER, // invalid transaction initiation
  '0L': LATER, // invalid grantor
  '0P': LATER, // invalid role specification
  '24': LATER, // invalid cursor state
  '25': LATER, // invalid transaction state: a standby, which is read-only, or a pooler that mixes transactions
  '26': LATER, // invalid statement name: a pooler that gives each transaction another connection
  '28': LATER, // invalid authorization
  '2B': LATER, // dependent privileges still exist
  '2D': LATER, // invalid transaction termination
  '34': LATER, // invalid cursor name
  '3B': LATER, // savepoint exception
  '3D': LATER, // no such database
  '3F': LATER, // no such schema
  '42': LATER, // no such table, no right to it
  '53': LATER, // insufficient resources: disk full, too many connections
  '58': LATER, // system error: I/O
  F0: LATER, // configuration file error

  '00': FAULT, // successful completion, 01 warning, 02 no data: none is an error
  '01': FAULT,
  '02': FAULT,
  '03': FAULT, // statement not yet complete
  '09': FAULT, // triggered action exception: of somebody else's trigger, as 27, 2F, 38, 39 and P0
  '0F': FAULT, // locator exception
  '0Z': FAULT, // diagnostics exception
  '20': FAULT, // case not found
  '21': FAULT, // cardinality violation
  '27': FAULT, // triggered data change violation
  '2F': FAULT, // SQL routine exception
  '38': FAULT, // external routine exception
  '39': FAULT, // external routine invocation exception
  '44': FAULT, // WITH CHECK OPTION violation
  HV: FAULT, // foreign data wrapper: a table that is somewhere else
  P0: FAULT, // PL/pgSQL: what a function raises
  XX: FAULT, // internal error: a bug of the server, or corruption
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
