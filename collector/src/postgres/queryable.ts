/** A value of a statement. Arrays travel as PostgreSQL array literals (`arrayLiteral`), JSON as text. */
export type Param = string | number | boolean | null

export type QueryOptions = {
  /** Stops waiting; the statement itself may still run to its end on the server, which an idempotent write survives. */
  readonly signal?: AbortSignal
  /** Name under which a connection keeps the statement prepared. PGlite ignores it. */
  readonly name?: string
}

/** Something that runs one statement at a time. Rejects with an error whose `code` is the SQLSTATE when the server refused. */
export type Queryable = {
  query<Row extends object>(sql: string, params?: readonly Param[], options?: QueryOptions): Promise<{ readonly rows: readonly Row[] }>
}

/** Something that takes a stream of rows as well. */
export type Copyable = Queryable & {
  /** Runs a `COPY … FROM STDIN` with what `rows` gives, taken as the server reads. Rejects on PGlite, which has no such stream. */
  copy(sql: string, rows: Iterable<Uint8Array>): Promise<void>
}

/** A PostgreSQL, on a server or embedded, behind one shape; the same SQL runs on both. */
export type Database = Copyable & {
  readonly kind: 'postgres' | 'pglite'
  /** Runs `work` on one connection between BEGIN and COMMIT; ROLLBACK and rejection when it throws. */
  transaction<T>(work: (tx: Copyable) => Promise<T>): Promise<T>
  /** Rejects when the database does not answer before `signal`. How much else it has to do makes no difference. */
  ping(signal: AbortSignal): Promise<void>
  /** Waits for what runs, then frees connections, worker and lock. A second call does nothing more. */
  close(): Promise<void>
}

/** Runs `work` between BEGIN and COMMIT on a connection that nobody else uses meanwhile. */
export async function inTransaction<T>(connection: Copyable, work: (tx: Copyable) => Promise<T>): Promise<T> {
  await connection.query('BEGIN')
  try {
    const result = await work(connection)
    await connection.query('COMMIT')
    return result
  } catch (error) {
    // The first error is the one to tell; a connection that cannot roll back is broken, and its transaction with it.
    await connection.query('ROLLBACK').catch(() => {})
    throw error
  }
}

/** `promise`, or a rejection with the signal's reason when that comes first. */
export async function abandonable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await promise
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
