import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, beforeAll } from 'vitest'
import { describeHostileInputs } from '../collector/api/hostile-inputs.ts'
import { type Program, startProgram } from '../collector/app/program.ts'
import { createPostgres, type PostgresServer } from './support/postgres.ts'

const dataDir = mkdtempSync(join(tmpdir(), 'tts-otel-hostile-'))
let server: PostgresServer
let program: Program
beforeAll(async () => {
  server = await createPostgres()
  await server.start()
  program = await startProgram({ DATABASE_URL: server.url, COLLECTOR_DATA_DIR: dataDir })
})
afterAll(async () => {
  await program?.end('SIGTERM')
  await server?.remove()
  rmSync(dataDir, { recursive: true })
})

describeHostileInputs('PostgreSQL', () => ({
  url: program.url,
  async count(table) {
    const client = new Client({ connectionString: server.url })
    await client.connect()
    const { rows } = await client.query(`SELECT count(*)::integer AS count FROM ${table}`)
    await client.end()
    return rows[0].count
  },
}))
