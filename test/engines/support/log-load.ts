/** Log records that several senders send, each request until it is taken, and what became of them. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'

export type LogLoadOptions = {
  /** Where each request goes: to the first, and after each refusal to the next. */
  readonly urls: readonly string[]
  readonly requests: number
  readonly records: number
  readonly senders: number
  /** Sends a body to a URL and gives the status of the answer. Default {@link post}. */
  readonly send?: (url: string, body: string) => Promise<number>
}

export type LogLoad = {
  readonly instance: string
  /** Answers by status; 0 is none. */
  readonly statuses: Readonly<Record<number, number>>
  /** Resolves when every request was taken. Rejects after {@link ATTEMPTS_MAX} attempts of one. */
  readonly done: Promise<void>
}

const ATTEMPTS_MAX = 600

export function startLogLoad({ urls, requests, records, senders, send = post }: LogLoadOptions): LogLoad {
  const instance = randomUUID()
  const statuses: Record<number, number> = {}
  let left = requests

  async function deliver(): Promise<void> {
    const body = requestOf(instance, records)
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const status = await send(urls[attempt % urls.length]!, body)
      statuses[status] = (statuses[status] ?? 0) + 1
      if (status === 200) return
      await sleep(100)
    }
    throw new Error(`a request was never taken: ${JSON.stringify(statuses)}`)
  }
  const lanes = Array.from({ length: senders }, async () => {
    while (left-- > 0) await deliver()
  })
  return { instance, statuses, done: Promise.all(lanes).then(() => {}) }
}

/** An export request of one process. */
export function requestOf(instance: string, records: number, message = 'Speech generated'): string {
  const logRecords = Array.from({ length: records }, () => ({
    timeUnixNano: `${Date.now()}000000`,
    body: { stringValue: message },
    attributes: [
      { key: 'log.record.uid', value: { stringValue: randomUUID() } },
      { key: 'request_id', value: { stringValue: randomUUID() } },
    ],
  }))
  const resource = { attributes: [{ key: 'service.instance.id', value: { stringValue: instance } }] }
  return JSON.stringify({ resourceLogs: [{ resource, scopeLogs: [{ logRecords }] }] })
}

/** Status of the answer, 0 when there is none. */
export async function post(url: string, body: string): Promise<number> {
  try {
    const response = await fetch(`${url}/v1/logs`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    await response.arrayBuffer()
    return response.status
  } catch {
    return 0
  }
}

/** Rows of the instance, and how many different records they are. */
export async function countRows(databaseUrl: string, instance: string): Promise<{ rows: number; records: number }> {
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const sql = 'SELECT count(*)::integer AS rows, count(DISTINCT id)::integer AS records FROM logs WHERE instance_id = $1'
    return (await client.query<{ rows: number; records: number }>(sql, [instance])).rows[0]!
  } finally {
    await client.end()
  }
}

/** What a collector has counted: the value of the metric whose line begins so. */
export async function counted(url: string, metric: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const line = text.split('\n').find((each) => each.startsWith(`tts_otel_collector_${metric} `))
  return line === undefined ? Number.NaN : Number(line.slice(line.lastIndexOf(' ')))
}
