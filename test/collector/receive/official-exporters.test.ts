import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { createTokens } from '../../../collector/src/token.ts'
import { startReceiver } from './receiver.ts'

const SCRIPT = fileURLToPath(new URL('plain-sender.mjs', import.meta.url))

test.each(['http', 'proto'])(
  'a plain app with the official %s exporters: all spans and logs arrive, nothing is complained about',
  async (flavour) => {
    const { url, batches, stats } = await startReceiver({ kind: 'ok' }, { checkSender: createTokens(['ingest']).check })
    const child = spawn(process.execPath, [SCRIPT, flavour, url], { env: { ...process.env, OTEL_LOG_LEVEL: 'warn' } })
    let output = ''
    child.stdout.on('data', (data) => (output += data))
    child.stderr.on('data', (data) => (output += data))
    const [code] = await once(child, 'close')
    expect({ code, output }).toEqual({ code: 0, output: '' })

    const names = batches.flatMap((batch) => (batch.signal === 'traces' ? batch.records.map(({ name }) => name) : []))
    const bodies = batches.flatMap((batch) => (batch.signal === 'logs' ? batch.records.map(({ body }) => body) : []))
    expect(names).toEqual(Array.from({ length: 20 }, (_, i) => `span ${i}`))
    expect(bodies).toEqual(Array.from({ length: 20 }, (_, i) => `message ${i}`))
    const { traces, logs } = stats.snapshot()
    expect([traces.stored, logs.stored]).toEqual([20, 20])
  },
)
