/**
 * The embedded PostgreSQL, in a thread of its own: a statement in WebAssembly would otherwise hold up every request.
 * Answers each PgliteRequest of `pglite.ts` with one PgliteReply.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'
import type { PgliteReply, PgliteRequest } from './pglite.ts'

if (parentPort === null) throw new Error('pglite-worker.ts is a worker thread; pglite.ts starts it')
const port = parentPort
const database = await PGlite.create({ dataDir: String(workerData.directory) })

port.on('message', async (request: PgliteRequest) => reply(await answer(request)))
reply({ kind: 'ready' })

function reply(message: PgliteReply): void {
  port.postMessage(message)
}

async function answer(request: PgliteRequest): Promise<PgliteReply> {
  try {
    if (request.kind === 'query') return { kind: 'rows', rows: (await database.query<object>(request.sql, [...request.params])).rows }
    await database.close()
    return { kind: 'closed' }
  } catch (error) {
    const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
    return { kind: 'failed', message: error instanceof Error ? error.message : String(error), code }
  }
}
