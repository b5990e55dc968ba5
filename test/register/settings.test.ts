import { afterEach, beforeEach, expect, test } from 'vitest'
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts'
import { runApp } from './app.ts'

let receiver: OtlpReceiver
beforeEach(async () => {
  receiver = await startOtlpReceiver()
})
afterEach(() => receiver.close())

const WRONG = {
  OTEL_BSP_MAX_QUEUE_SIZE: 'lots',
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'grpc',
  OTEL_EXPORTER_OTLP_HEADERS: 'authorization hunter2',
  OTEL_CONFIG_FILE: 'otel.yaml',
}

test('wrong settings are listed once, and the app runs with the defaults', async () => {
  const { code, stdout, stderr } = await runApp('telemetry.mjs', { endpoint: receiver.url, env: WRONG })

  expect({ code, stdout }).toEqual({ code: 0, stdout: 'done\n' })
  const [head, ...lines] = stderr.trimEnd().split('\n')
  expect(head).toBe('tts-otel: 4 wrong settings. The app runs on.')
  expect(lines.sort()).toEqual([
    expect.stringMatching(/^ {2}- OTEL_BSP_MAX_QUEUE_SIZE="lots" .* using 2048$/),
    expect.stringMatching(/^ {2}- OTEL_CONFIG_FILE is not supported/),
    expect.stringMatching(/^ {2}- OTEL_EXPORTER_OTLP_HEADERS="…" /),
    expect.stringMatching(/^ {2}- OTEL_EXPORTER_OTLP_TRACES_PROTOCOL="grpc" .*4318/),
  ])
  expect(stderr).not.toContain('hunter2')
  expect(receiver.spans).toHaveLength(1)
})

test('TTS_OTEL_STRICT=1: the app does not start', async () => {
  const { code, stdout, stderr } = await runApp('hello.mjs', { endpoint: receiver.url, env: { TTS_OTEL_STRICT: '1', LOG_FORMAT: 'xml' } })

  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toBe(
    'tts-otel: 1 wrong setting. The app was not started (TTS_OTEL_STRICT).\n  - LOG_FORMAT="xml" is not json or text; using json\n',
  )
})

test('an address that cannot be used is told, and the app lives', async () => {
  const { code, stdout, stderr } = await runApp('hello.mjs', { endpoint: 'http://user:%ff@127.0.0.1:1' })

  expect({ code, stdout }).toEqual({ code: 0, stdout: 'hello\n' })
  expect(stderr).toMatch(/^tts-otel: 1 wrong setting\. The app runs on\.\n {2}- OTEL_EXPORTER_OTLP_ENDPOINT=/)
})

test('TTS_OTEL_COMPILE_CACHE=1 turns the compile cache on, and only then', async () => {
  const env = { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(PRINT_CACHE)}` }
  expect((await runApp('hello.mjs', { endpoint: receiver.url, env })).stdout).toBe('hello\ncache: false\n')
  expect((await runApp('hello.mjs', { endpoint: receiver.url, env: { ...env, TTS_OTEL_COMPILE_CACHE: '1' } })).stdout).toBe(
    'hello\ncache: true\n',
  )
})
const PRINT_CACHE = `import m from 'node:module'; process.on('exit', () => console.log('cache: ' + (m.getCompileCacheDir() !== undefined)))`

test('OpenTelemetry repeating itself does not fill the log', async () => {
  const { code, stderr } = await runApp('noisy.mjs', { endpoint: receiver.url })

  expect(code).toBe(0)
  expect(stderr.match(/You can only call end\(\) on a span once/g)).toHaveLength(1)
  expect(stderr.split('\n').length).toBeLessThan(30)
})

test('OTEL_LOG_LEVEL=none silences it', async () => {
  expect((await runApp('noisy.mjs', { endpoint: receiver.url, env: { OTEL_LOG_LEVEL: 'none' } })).stderr).toBe('')
})
