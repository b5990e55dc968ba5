/** The process under test: an Express service under register that is told every secret and tells it on wherever it can. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { trace } from '@opentelemetry/api'
import express from 'express'
import { ttsOtel, ttsOtelErrors } from '../../src/middleware/express.ts'
import { SECRETS } from './kinds.ts'
import { PLACES, withBaggage } from './places.ts'

/** Told to the test, which searches it as well. */
const seen: string[] = []
const upstream = createServer((request, response) => {
  seen.push(String(request.headers.baggage ?? ''), String(request.headers.tracestate ?? ''))
  response.end()
}).listen(0, '127.0.0.1')
await new Promise((resolve) => upstream.once('listening', resolve))
const upstreamUrl = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`

const app = express()
app.use(ttsOtel({}))
app.get('/fail/*rest', (request) => {
  const text = String(request.query.note)
  throw Object.assign(new Error(`middleware-error ${text}`, { cause: new Error(text) }), { detail: text })
})
app.use(ttsOtelErrors({}))
const service = app.listen(0, '127.0.0.1')
await new Promise((resolve) => service.once('listening', resolve))
const serviceUrl = `http://127.0.0.1:${(service.address() as AddressInfo).port}`

trace.getTracer('secrets').startActiveSpan('all', (span) => {
  for (const [place, write] of Object.entries(PLACES)) for (const secret of SECRETS) write(`${place} ${secret.text}`, secret)
  span.end()
})

for (const { text, needle } of SECRETS) {
  const note = encodeURIComponent(text)
  const plain = needle.replace(/[^\w.-]/g, '')
  const answer = await fetch(`${serviceUrl}/fail/x?note=${note}&password=${plain}`, {
    headers: {
      'user-agent': `agent ${text.replaceAll('\n', ' ')}`,
      'x-request-id': `password=${plain}`,
      tracestate: `vendor=password:${plain.slice(0, 200)},other=fine`,
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      authorization: `Bearer ${plain}`,
      cookie: `sid=${plain}`,
    },
  })
  // A client gets its own request id back.
  seen.push((await answer.text()).replace(/"request_id":"[^"]*"/, ''))
  await withBaggage(text, 'access_token', () => fetch(`${upstreamUrl}/client/${note}?note=${note}&key=${plain}`))
}

process.send?.({ seen })
process.disconnect?.()
service.close()
upstream.close()
service.closeAllConnections()
upstream.closeAllConnections()
