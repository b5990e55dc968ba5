/** From requests that fail to somebody who is told: the example API, the official collector, the evaluator, a webhook. */
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testedNode } from '../support/run-node.ts'
import { answersOk, createDaemon, type Daemon } from './support/daemon.ts'
import { createOtelcol, FANOUT_TOKEN, INGEST_TOKEN, type Otelcol } from './support/otelcol.ts'
import { createPostgres, freePort, type PostgresServer } from './support/postgres.ts'
import { freeHost } from './support/production.ts'
import { startTtsApi, type TtsApi } from './support/tts-api.ts'

const RULES = `rules:
  - name: High Error Rate
    condition: error_rate > 0.05
    severity: warning
    channels: [webhook]
`
const folder = mkdtempSync(join(tmpdir(), 'tts-otel-official-alerts-'))
const told: string[] = []
const webhook = createServer(async (request, response) => {
  told.push(await text(request))
  response.end()
})
let postgres: PostgresServer
let evaluator: Daemon
let otelcol: Otelcol
let api: TtsApi
beforeAll(async () => {
  await once(webhook.listen(0, '127.0.0.1'), 'listening')
  const address = webhook.address()
  postgres = await createPostgres()
  await postgres.start()
  writeFileSync(join(folder, 'rules.yaml'), RULES)
  const listen = `127.0.0.1:${await freePort()}`
  evaluator = createDaemon({
    name: 'The evaluator',
    program: testedNode(),
    args: [fileURLToPath(new URL('../../collector/bin.js', import.meta.url))],
    env: {
      COLLECTOR_LISTEN: listen,
      COLLECTOR_ROLES: 'store,alerts',
      COLLECTOR_DATA_DIR: folder,
      DATABASE_URL: postgres.url,
      INGEST_TOKEN: FANOUT_TOKEN,
      ALERT_RULES: join(folder, 'rules.yaml'),
      ALERT_CHECK_INTERVAL: '1',
      ALERT_WEBHOOK_URL: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/alerts`,
      ALERT_ALLOW_PRIVATE: '127.0.0.0/8',
    },
    isReady: () => answersOk(`http://${listen}/readyz`),
  })
  await evaluator.start()
  otelcol = createOtelcol(freeHost(), { env: { FANOUT_URL: `http://${listen}`, EVALUATOR_URL: `http://${listen}` } })
  await otelcol.start()
  api = await startTtsApi({
    OTEL_EXPORTER_OTLP_ENDPOINT: otelcol.url,
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${INGEST_TOKEN}`,
  })
}, 120_000)
afterAll(async () => {
  await api?.stop()
  await otelcol?.remove()
  await evaluator?.end('SIGKILL')
  await postgres?.remove()
  webhook.close()
  rmSync(folder, { recursive: true, force: true })
})

test('requests of the example API fail, and the webhook is told', { timeout: 120_000 }, async () => {
  await api.play()
  await expect
    .poll(() => told.map((body) => JSON.parse(body)), { timeout: 90_000 })
    .toContainEqual(
      expect.objectContaining({
        status: 'firing',
        alerts: [expect.objectContaining({ labels: expect.objectContaining({ alertname: 'High Error Rate', severity: 'warning' }) })],
      }),
    )
})
