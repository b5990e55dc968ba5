import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { FolderInUseError, lockFolder } from './lock.ts'
import { abandonable, type Copyable, type Database, inTransaction, type Param, type QueryOptions } from './queryable.ts'

/** What `pglite-worker.ts` is asked. The next request is sent when the last one is answered. */
export type PgliteRequest = { readonly kind: 'query'; readonly sql: string; readonly params: readonly Param[] } | { readonly kind: 'close' }

/** What it answers: `ready` once, after the boot, then one answer for each request. `code` is the SQLSTATE, '' when the engine broke. */
export type PgliteReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'rows'; readonly rows: readonly object[] }
  | { readonly kind: 'failed'; readonly message: string; readonly code: string }
  | { readonly kind: 'closed' }

/** PGlite does not honour `statement_timeout`: a statement that takes longer costs the engine, which then starts anew. Includes the first boot. */
const STATEMENT_MS_MAX = 120_000
/** One connection: what waits in line here is memory. */
const WAITING_MAX = 1_000
/** Sources run as they are in development; the build puts the worker beside the bundle. */
const WORKER_URL = new URL(`./pglite-worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)

/**
 * An embedded PostgreSQL in a worker thread, its files under `dataDir`. The engine starts with the first statement and
 * again when it broke. Rows survive the death of the process, not a power cut: nothing is synced to disk.
 *
 * Throws when the folder cannot be written or another process uses it.
 */
export function openPglite(dataDir: string): Database {
  const unlock = takeFolder(dataDir)
  const line = createLine()
  let engine: Engine | undefined
  let closing: Promise<void> | undefined
  let closed = false

  const connection: Copyable = {
    async copy() {
      throw new Error('PGlite has no COPY FROM STDIN')
    },
    async query<Row extends object>(sql: string, params: readonly Param[] = []) {
      if (closed) throw new Error('The database is closed')
      if (engine === undefined || engine.state() === 'broken') engine = startEngine(dataDir)
      // The caller names the shape of its own columns, as with every SQL driver.
      return { rows: (await engine.ask({ kind: 'query', sql, params })) as readonly Row[] }
    },
  }
  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (closing !== undefined) throw new Error('The database is closed')
    return await line.wait(work)
  }
  async function end(): Promise<void> {
    closed = true
    await engine?.end()
  }
  async function close(): Promise<void> {
    // A boot is not worth waiting for: nothing is stored before it ends.
    if (engine?.state() === 'booting') await end()
    else await line.wait(end).catch(end)
    unlock()
  }
  return {
    kind: 'pglite',
    copy: connection.copy,
    async query<Row extends object>(sql: string, params?: readonly Param[], { signal }: QueryOptions = {}) {
      const answer = inTurn(async () => {
        signal?.throwIfAborted()
        return await connection.query<Row>(sql, params)
      })
      return await abandonable(answer, signal)
    },
    async transaction(work) {
      return await inTurn(() => inTransaction(connection, work))
    },
    async ping(signal) {
      // The one connection may be busy for long with data, which is no reason to send none.
      await abandonable(
        inTurn(() => connection.query('SELECT 1')),
        signal,
      ).catch((error: unknown) => {
        if (!signal.aborted) throw error
      })
    },
    async close() {
      closing ??= close()
      await closing
    },
  }
}

/** Whether an earlier process has made a database under `dataDir`. */
export function hasPglite(dataDir: string): boolean {
  const { directory, unfinished } = filesOf(dataDir)
  return existsSync(directory) && !existsSync(unfinished)
}

function filesOf(dataDir: string): { readonly directory: string; readonly unfinished: string } {
  return { directory: join(dataDir, 'pglite'), unfinished: join(dataDir, 'pglite.unfinished') }
}

function takeFolder(dataDir: string): () => void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    return lockFolder(dataDir)
  } catch (error) {
    if (error instanceof FolderInUseError || !(error instanceof Error)) throw error
    throw new Error(
      `The folder ${dataDir} cannot hold the embedded database: ${error.message}. ` +
        'Set COLLECTOR_DATA_DIR to a folder that this user may write, or DATABASE_URL to a PostgreSQL.',
      { cause: error },
    )
  }
}

type Line = { wait<T>(work: () => Promise<T>): Promise<T> }

/** Lets one at a time through, in order of arrival. */
function createLine(): Line {
  let last: Promise<unknown> = Promise.resolve()
  let waiting = 0
  return {
    async wait(work) {
      if (waiting >= WAITING_MAX) throw new Error(`The embedded database has ${WAITING_MAX} statements waiting already`)
      waiting++
      const turn = last.then(work)
      last = turn.catch(() => {})
      return await turn.finally(() => waiting--)
    },
  }
}

type Engine = {
  ask(request: PgliteRequest): Promise<readonly object[]>
  state(): 'booting' | 'ready' | 'broken'
  end(): Promise<void>
}

function startEngine(dataDir: string): Engine {
  // The first boot writes the cluster's files last and all at once; interrupted there, it leaves half of them. Nothing was stored yet.
  const { directory, unfinished } = filesOf(dataDir)
  if (existsSync(unfinished)) rmSync(directory, { recursive: true, force: true })
  if (!existsSync(directory)) writeFileSync(unfinished, '')

  // No flags and no environment: a `--import` of the host, an SDK say, must not run in here as well.
  const worker = new Worker(WORKER_URL, { workerData: { directory }, execArgv: [], env: {}, name: 'pglite' })
  let pending: PromiseWithResolvers<readonly object[]> | undefined
  let ready = false
  let broken: Error | undefined

  const fail = (message: string, cause?: unknown) => {
    broken ??= new Error(`The embedded database in ${directory} stopped: ${message}`, { cause })
    pending?.reject(broken)
    void worker.terminate()
  }
  worker.on('error', (error) => fail(error instanceof Error ? error.message : String(error), error))
  worker.on('exit', (code) => fail(`its thread ended with code ${code}`))
  worker.on('message', (reply: PgliteReply) => {
    if (reply.kind === 'ready') {
      rmSync(unfinished, { force: true })
      ready = true
    } else if (reply.kind === 'rows') pending?.resolve(reply.rows)
    else if (reply.kind === 'closed') pending?.resolve([])
    else if (reply.code === '') fail(reply.message)
    else pending?.reject(new PgliteError(reply.message, reply.code))
  })

  return {
    state: () => (broken === undefined ? (ready ? 'ready' : 'booting') : 'broken'),
    async ask(request) {
      if (broken !== undefined) throw broken
      pending = Promise.withResolvers()
      const timer = setTimeout(fail, STATEMENT_MS_MAX, `a statement took longer than ${STATEMENT_MS_MAX / 1000} s`)
      worker.postMessage(request)
      return await pending.promise.finally(() => clearTimeout(timer))
    },
    async end() {
      if (this.state() === 'ready') await this.ask({ kind: 'close' }).catch(() => {})
      await worker.terminate()
    },
  }
}

/** PostgreSQL refused a statement. */
class PgliteError extends Error {
  readonly code: string

  constructor(message: string, code: string) {
    super(message)
    this.name = 'PgliteError'
    this.code = code
  }
}
