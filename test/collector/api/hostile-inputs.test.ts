import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { type Collector, createCollector } from '../../../collector/src/app.ts'
import { parseCollectorConfig } from '../../../collector/src/config.ts'
import { openDatabase } from '../../../collector/src/postgres/database.ts'
import { describeHostileInputs } from './hostile-inputs.ts'

const dataDir = mkdtempSync(join(tmpdir(), 'tts-otel-hostile-'))
const database = openDatabase({ url: undefined, dataDir })
let collector: Collector
let url: string
beforeAll(async () => {
  const { config } = parseCollectorConfig({ COLLECTOR_LISTEN: '127.0.0.1:0', COLLECTOR_DATA_DIR: dataDir })
  const say = (message: string) => void process.stderr.write(`${message}\n`)
  collector = createCollector(config, {
    database,
    admin: database,
    reading: database,
    now: Date.now,
    onFault: (error) => say(String(error.stack)),
    warn: say,
  })
  url = (await collector.start()).url
})
afterAll(async () => {
  await collector.stop()
  rmSync(dataDir, { recursive: true })
})

describeHostileInputs('PGlite', () => ({
  url,
  async count(table) {
    const { rows } = await database.query<{ count: number }>(`SELECT count(*)::integer AS count FROM ${table}`)
    return rows[0]?.count ?? -1
  },
}))
