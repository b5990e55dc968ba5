import { createServer } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { createReadback } from '../../examples/demo/readback.ts'
import { judge } from '../../examples/demo/verdict.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'

/** A collector that has three log records on two pages, one of them twice, and a trace of two spans, one of another process. */
const ANSWERS: Readonly<Record<string, unknown>> = {
  '/api/logs': { logs: [{ id: 'a' }, { id: 'b' }], next_cursor: 'more' },
  '/api/logs more': { logs: [{ id: 'b' }, { id: 'c' }], next_cursor: null },
  '/api/traces': { traces: [{ trace_id: TRACE }], next_cursor: null },
  [`/api/traces/${TRACE}`]: {
    spans: [
      { span_id: '1', instance_id: 'mine' },
      { span_id: '2', instance_id: 'another' },
    ],
  },
  '/api/metrics/summary': { total_requests: 7 },
}

async function collector(answers: Readonly<Record<string, unknown>>): Promise<string> {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://collector')
    const answer = answers[[pathname, searchParams.get('cursor')].filter(Boolean).join(' ')]
    response.statusCode = answer ? 200 : 503
    response.end(JSON.stringify(answer ?? 'the database is down'))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
}

const report = (traces: number, logs: number, metrics: number, sent = metrics) =>
  JSON.stringify({ traces: { created: traces, sent: 0 }, logs: { created: logs, sent: 0 }, metrics: { created: metrics, sent } })

test('when everything is there, nothing is lost', async () => {
  const verdict = await judge(report(1, 3, 40), 7, createReadback(await collector(ANSWERS), 'mine'))
  expect(verdict).toEqual({
    spans: { sent: 1, stored: 1 },
    logs: { sent: 3, stored: 3 },
    metrics: { sent: 40, acknowledged: 40, requests_counted: 7 },
    summary: { total_requests: 7 },
    losses: [],
  })
})

test('what is missing is named', async () => {
  const { losses } = await judge(report(2, 5, 40, 39), 8, createReadback(await collector(ANSWERS), 'mine'))
  expect(losses).toEqual([
    'spans: 2 were made, 1 are stored',
    'log records: 5 were made, 3 are stored',
    'metric points: 40 were made, 39 are stored',
    'requests in the metrics: 8 were made, 7 are stored',
  ])
})

test('an API that ended without a report, and a collector that does not answer, are said in words', async () => {
  await expect(judge('', 7, createReadback(await collector(ANSWERS), 'mine'))).rejects.toThrow('The TTS API ended without a report')
  await expect(judge(report(1, 3, 40), 7, createReadback(await collector({}), 'mine'))).rejects.toThrow(
    'The collector answered 503 to GET /api/logs: "the database is down"',
  )
})
