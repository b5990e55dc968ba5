/** What nobody should send and everybody can: through records and through the parameters of the API. Held against each kind of database. */
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { storableText } from '../../../collector/src/storable.ts'

/** A running collector and how many rows a table of its database has. */
export type Target = { readonly url: string; readonly count: (table: string) => Promise<number> }

/** Each tries to be more than a text: SQL, parameters, wildcards, arrays, COPY, JSON, patterns, paths, index names, headers, prototypes, broken Unicode. */
export const HOSTILE: readonly string[] = [
  `'; DROP TABLE logs; --`,
  `' OR '1'='1`,
  `") OR 1=1 --`,
  `$1`,
  `?`,
  `$$; SELECT pg_sleep(60); $$`,
  `' UNION SELECT usename, passwd FROM pg_shadow --`,
  `%`,
  `_%`,
  `\\`,
  `\\'`,
  `\\N`,
  `\\.`,
  `a\tb\nc\rd\be`,
  `{"a","b"}`,
  `NULL`,
  `{NULL,"x"}`,
  `"},{"`,
  `COPY logs FROM PROGRAM 'id'`,
  `x'; COPY logs TO '/tmp/x'; --`,
  `../../../../etc/passwd`,
  `_all,-.security*`,
  `{"create":{"_index":".security"}}\n`,
  `x\r\nSet-Cookie: a=b`,
  '\u0000nul\u0000',
  `half \ud800 a pair`,
  `\u2028\u202e\ufeff`,
  `🙂`.repeat(40),
  '<script>alert(1)</script>',
  `\${jndi:ldap://127.0.0.1/x}`,
  '__proto__',
  'constructor',
  '.*(a+)+$',
  '%00%0a',
]

/** Of each, so that together they are more than a thousand. */
const COPIES = 40

const PARAMETERS = {
  '/api/logs': ['request_id', 'user_id', 'service', 'instance_id', 'q', 'level', 'trace_id', 'since', 'until', 'limit', 'cursor'],
  '/api/traces': ['request_id', 'user_id', 'service', 'instance_id', 'error', 'since', 'until', 'limit', 'cursor'],
  '/api/alerts/history': ['limit'],
  '/api/alerts/deliveries': ['limit'],
  '/api/metrics/summary': ['service', 'instance_id', 'since', 'until'],
} as const

/** Taken as texts; the other parameters have a form that none of {@link HOSTILE} has. */
const TEXTS = new Set(['request_id', 'user_id', 'service', 'instance_id', 'q'])

/** Registers the tests; `target` is asked when they run. */
export function describeHostileInputs(kind: string, target: () => Target): void {
  test(`${kind}: hostile texts in every place of a record are stored as they are, and found by them`, { timeout: 120_000 }, async () => {
    const { url } = target()
    const canary = randomUUID()
    await send(url, 'logs', logsOf('canary', canary))
    for (const text of HOSTILE) {
      const run = randomUUID()
      for (const [signal, body] of [
        ['logs', logsOf(text, run)],
        ['traces', spansOf(text, run)],
        ['metrics', metricsOf(text, run)],
      ] as const)
        expect([text, await send(url, signal, body)]).toEqual([text, 200])
      const stored = storableText(text)
      const { logs } = await read(url, '/api/logs', { q: run })
      expect(logs).toMatchObject([
        { message: `${run} ${stored}`, request_id: stored, user_id: stored, service: stored, instance_id: stored },
      ])
      expect(Object.entries(logs[0].metadata)).toEqual(expect.arrayContaining([[stored, stored]]))
      for (const name of ['request_id', 'user_id', 'service', 'instance_id', 'q']) {
        const found = await read(url, '/api/logs', { [name]: stored, limit: '1000' })
        expect([name, text, found.logs.some(({ message }: { message: string }) => message.startsWith(run))]).toEqual([name, text, true])
        // What only looks like everything finds nothing else.
        expect(found.logs.some(({ message }: { message: string }) => message.startsWith(canary))).toBe(false)
      }
      const { traces } = await read(url, '/api/traces', { request_id: stored, limit: '1000' })
      expect(traces.map(({ trace_id }: { trace_id: string }) => trace_id)).toContain(traceIdOf(run))
      expect((await read(url, `/api/traces/${traceIdOf(run)}`, {})).spans).toMatchObject([{ name: stored, status_message: stored }])
    }
  })

  test(`${kind}: so they are in a request of many records, which may take another way into the database`, {
    timeout: 120_000,
  }, async () => {
    const { url } = target()
    const run = randomUUID()
    const logRecords = HOSTILE.flatMap((text) => Array<object>(COPIES).fill(recordOf(text, run)))
    expect(await send(url, 'logs', { resourceLogs: [{ scopeLogs: [{ logRecords }] }] })).toBe(200)
    for (const text of HOSTILE) {
      const stored = storableText(text)
      const { logs } = await read(url, '/api/logs', { request_id: stored, q: run, limit: '1000' })
      const messages = logs.map(({ message }: { message: string }) => message)
      expect([text, messages]).toEqual([text, Array(COPIES).fill(`${run} ${stored}`)])
    }
  })

  test(`${kind}: hostile values of every parameter are refused or find nothing, and never fail`, { timeout: 120_000 }, async () => {
    const { url } = target()
    for (const [path, names] of Object.entries(PARAMETERS))
      for (const name of names)
        for (const text of HOSTILE) {
          const response = await fetch(`${url}${path}?${new URLSearchParams({ [name]: `${text}${randomUUID()}` })}`)
          const { error, logs, traces } = JSON.parse(await response.text())
          const isText = TEXTS.has(name) && !text.includes('\0')
          expect([name, text, response.status, error, logs ?? traces ?? []]).toEqual([
            name,
            text,
            isText ? 200 : 400,
            isText ? undefined : 'invalid_parameter',
            [],
          ])
        }
  })

  test(`${kind}: hostile texts in silences are kept as they are, and hostile names of rules are unknown`, {
    timeout: 120_000,
  }, async () => {
    const { url } = target()
    // It takes a while until a collector knows that it is the one to decide.
    await expect.poll(async () => (await fetch(`${url}/api/alerts/history`)).status, { timeout: 60_000 }).toBe(200)
    for (const text of HOSTILE.filter((each) => each.isWellFormed())) {
      const wish = { matchers: { [text]: text }, author: text, reason: text, duration: '1h' }
      const silenced = await postJson(`${url}/api/alerts/silences`, wish)
      expect([text, silenced.status]).toEqual([text, 201])
      const { silences } = await read(url, '/api/alerts', {})
      expect(silences).toContainEqual(
        expect.objectContaining({ id: silenced.body.id, author: text, reason: text, matchers: { [text]: text } }),
      )
      const tested = await postJson(`${url}/api/alerts/${encodeURIComponent(text)}/test`, {})
      expect([text, tested.status, tested.body.error]).toEqual([text, 404, 'unknown'])
    }
  })

  test(`${kind}: hostile names of parameters and paths are refused`, async () => {
    const { url } = target()
    for (const text of HOSTILE) {
      const named = await fetch(`${url}/api/logs?${new URLSearchParams({ [text]: 'x' })}`)
      expect([text, named.status, named.headers.get('content-type')]).toEqual([text, 400, 'application/json'])
      const path = await fetch(`${url}/api/traces/${encodeURIComponent(text.toWellFormed())}`)
      expect([text, [400, 404].includes(path.status)]).toEqual([text, true])
      await Promise.all([named.arrayBuffer(), path.arrayBuffer()])
    }
  })

  test(`${kind}: afterwards every table is there with what belongs into it`, async () => {
    const { count } = target()
    for (const table of ['logs', 'spans', 'metric_points']) expect([table, await count(table)]).toEqual([table, rowsOf(table)])
  })
}

function rowsOf(table: string): number {
  return table === 'logs' ? HOSTILE.length * (1 + COPIES) + 1 : HOSTILE.length
}

const now = () => `${Date.now()}000000`

function attribute(key: string, text: string) {
  return { key, value: { stringValue: text } }
}

function resourceOf(text: string) {
  return { attributes: [attribute('service.name', text), attribute('service.instance.id', text), attribute(text, text)] }
}

function attributesOf(text: string) {
  return [attribute('request_id', text), attribute('user_id', text), attribute(text, text)]
}

function traceIdOf(run: string): string {
  return run.replaceAll('-', '')
}

function recordOf(text: string, run: string) {
  const body = { stringValue: `${run} ${text}` }
  return { timeUnixNano: now(), severityText: text, eventName: text, body, attributes: attributesOf(text) }
}

function logsOf(text: string, run: string) {
  const record = recordOf(text, run)
  return { resourceLogs: [{ resource: resourceOf(text), scopeLogs: [{ scope: { name: text, version: text }, logRecords: [record] }] }] }
}

function spansOf(text: string, run: string) {
  const span = {
    traceId: traceIdOf(run),
    spanId: traceIdOf(run).slice(0, 16),
    name: text,
    startTimeUnixNano: now(),
    endTimeUnixNano: now(),
    status: { code: 2, message: text },
    attributes: attributesOf(text),
    events: [{ timeUnixNano: now(), name: text, attributes: attributesOf(text) }],
    traceState: text,
  }
  return { resourceSpans: [{ resource: resourceOf(text), scopeSpans: [{ scope: { name: text }, spans: [span] }] }] }
}

function metricsOf(text: string, run: string) {
  const point = { timeUnixNano: now(), startTimeUnixNano: now(), asDouble: 1, attributes: [attribute('run', run), attribute(text, text)] }
  const metric = { name: text, unit: text, description: text, sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: [point] } }
  return { resourceMetrics: [{ resource: resourceOf(text), scopeMetrics: [{ scope: { name: text }, metrics: [metric] }] }] }
}

async function postJson(address: string, body: object) {
  const response = await fetch(address, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  return { status: response.status, body: JSON.parse(await response.text()) }
}

async function send(url: string, signal: string, body: object): Promise<number> {
  const response = await fetch(`${url}/v1/${signal}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  expect(await response.text()).toBe('{}')
  return response.status
}

async function read(url: string, path: string, query: Record<string, string>) {
  const response = await fetch(`${url}${path}?${new URLSearchParams(query)}`)
  const text = await response.text()
  expect([path, query, response.status]).toEqual([path, query, 200])
  return JSON.parse(text)
}
