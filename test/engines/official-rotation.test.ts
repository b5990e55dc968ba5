/**
 * The production path with TLS from the apps to the sinks, and tokens in files that change while records are being sent. It ends by
 * counting, after mistakes as well: nothing is lost, nothing twice.
 */
import { once } from 'node:events'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { issueCertificate } from '../collector/support/authority.ts'
import { countRows, requestOf, startLogLoad } from './support/log-load.ts'
import { FANOUT_TOKEN, INGEST_TOKEN } from './support/otelcol.ts'
import { type Production, startProduction } from './support/production.ts'

const REQUESTS = 600
const RECORDS = 10
const NEW_INGEST_TOKEN = 'new-ingest-token-of-the-test'
const NEW_FANOUT_TOKEN = 'new-fanout-token-of-the-test'

const tls = issueCertificate('localhost')
const folder = mkdtempSync(join(tmpdir(), 'tts-otel-rotation-'))
/** What apps may show, what the official collector shows to the fan-outs, and what these take: one token a line. */
const files = { apps: join(folder, 'apps'), shown: join(folder, 'shown'), taken: join(folder, 'taken') }

/** As a secret is replaced: the whole file at once, by another of its name. */
function write(file: keyof typeof files, ...tokens: readonly string[]): void {
  writeFileSync(`${files[file]}.new`, `${tokens.join('\n')}\n`)
  renameSync(`${files[file]}.new`, files[file])
}

let production: Production
beforeAll(async () => {
  write('apps', INGEST_TOKEN)
  write('shown', FANOUT_TOKEN)
  write('taken', FANOUT_TOKEN)
  production = await startProduction({
    tls,
    evaluatorTokens: [FANOUT_TOKEN, NEW_FANOUT_TOKEN],
    fanoutEnv: { INGEST_TOKEN: '', INGEST_TOKEN_FILE: files.taken },
    otelcolEnv: { INGEST_TOKEN_FILE: files.apps, FANOUT_TOKEN_FILE: files.shown },
  })
}, 180_000)
afterAll(async () => {
  await production?.remove()
  rmSync(folder, { recursive: true, force: true })
})

/** Status of the answer, 0 when there is none. */
async function send(url: string, body: string, token: string): Promise<number> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
  try {
    const outgoing = request(`${url}/v1/logs`, { method: 'POST', headers, ca: tls.ca, servername: 'localhost' })
    outgoing.end(body)
    const [response] = await once(outgoing, 'response')
    await once(response.resume(), 'end')
    return response.statusCode
  } catch {
    return 0
  }
}

/** Status of an empty request with this token. */
const probe = (token: string) => send(production.otelcol.url, requestOf('probe', 0), token)

/** Both fan-outs have said so of their file. */
async function expectSaid(words: string): Promise<void> {
  for (const { output } of production.fanouts) await expect.poll(output, { timeout: 30_000 }).toContain(words)
}

test('each token is replaced while apps send, and a wrong one is put right: every record is in both stores and with the evaluator, once', {
  timeout: 240_000,
}, async () => {
  const { otelcol, postgres, elasticsearch, evaluator } = production
  let token = INGEST_TOKEN
  const sent = startLogLoad({
    urls: [otelcol.url],
    requests: REQUESTS,
    records: RECORDS,
    senders: 3,
    async send(url, body) {
      await sleep(100)
      return await send(url, body, token)
    },
  })
  const goOn = async () => {
    const before = sent.statuses[200] ?? 0
    await expect.poll(() => sent.statuses[200] ?? 0, { timeout: 60_000 }).toBeGreaterThanOrEqual(before + 10)
  }
  await goOn()

  // From the official collector to the fan-outs.
  write('taken', FANOUT_TOKEN, NEW_FANOUT_TOKEN)
  await expectSaid('2 tokens hold')
  write('shown', NEW_FANOUT_TOKEN)
  await goOn()
  write('taken', NEW_FANOUT_TOKEN)
  await expectSaid('1 token holds')
  await goOn()

  // From the apps to the official collector.
  write('apps', INGEST_TOKEN, NEW_INGEST_TOKEN)
  await expect.poll(() => probe(NEW_INGEST_TOKEN), { timeout: 30_000 }).toBe(200)
  expect(await probe(INGEST_TOKEN)).toBe(200)
  token = NEW_INGEST_TOKEN
  await goOn()
  write('apps', NEW_INGEST_TOKEN)
  await expect.poll(() => probe(INGEST_TOKEN), { timeout: 30_000 }).toBe(401)

  // A mistake: the fan-outs take another token than they are shown.
  write('taken', 'another-token-of-the-test')
  await expect.poll(otelcol.output, { timeout: 60_000 }).toContain('HTTP Status Code 503')
  await goOn()
  write('taken', NEW_FANOUT_TOKEN)
  await sent.done

  const all = REQUESTS * RECORDS
  expect(sent.statuses).toEqual({ 200: REQUESTS })
  const stored = () => countRows(postgres.url, sent.instance)
  await expect.poll(stored, { timeout: 90_000, interval: 500 }).toEqual({ rows: all, records: all })
  await expect.poll(() => elasticsearch.elastic.count('tts-api-2*'), { timeout: 90_000, interval: 500 }).toBe(all)
  await expect.poll(() => evaluator.arrivals.size, { timeout: 90_000, interval: 500 }).toBe(all)
  // To three sinks, each record once, whatever a wrong token has cost in attempts.
  expect(await otelcol.counted('otelcol_exporter_sent_log_records')).toBe(3 * all)
  for (const failure of ['send_failed', 'enqueue_failed']) expect(await otelcol.counted(`otelcol_exporter_${failure}_log_records`)).toBe(0)
})
