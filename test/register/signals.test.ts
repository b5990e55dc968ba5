import { createServer, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts'
import { signalApp } from './app.ts'

let receiver: OtlpReceiver
beforeEach(async () => {
  receiver = await startOtlpReceiver()
})
afterEach(() => receiver.close())

const names = () => receiver.spans.map(({ name }) => name)

test.each(['SIGTERM', 'SIGINT'] as const)('%s: everything arrives, and the process dies of the signal', async (signal) => {
  const ended = await signalApp('server.mjs', [signal], { endpoint: receiver.url })

  expect(ended).toEqual({ code: null, signal, stdout: 'ready\n', stderr: '' })
  expect(names()).toEqual(['job'])
  expect(receiver.logs).toHaveLength(1)
  expect(receiver.metrics.map(({ name }) => name)).toContain('app.jobs')
})

test('a handler of the app is alone and undisturbed, and what it makes arrives', async () => {
  const ended = await signalApp('own-handler.mjs', ['SIGTERM'], { endpoint: receiver.url })

  expect(ended).toEqual({ code: 7, signal: null, stdout: 'ready\nclosing, 1 listener\n', stderr: '' })
  expect(names()).toEqual(['closing'])
})

test('a handler that raises the signal again when it is alone does not wait for us for ever', async () => {
  const ended = await signalApp('raise-again.mjs', ['SIGTERM'], { endpoint: receiver.url })

  expect(ended).toEqual({ code: null, signal: 'SIGTERM', stdout: 'ready\nalone: true\n', stderr: '' })
  expect(names()).toEqual(['job'])
})

test('when the app takes its handler off, the signal is ours again', async () => {
  const ended = await signalApp('changed-mind.mjs', ['SIGTERM'], { endpoint: receiver.url })

  expect(ended).toMatchObject({ signal: 'SIGTERM', stderr: '' })
  expect(names()).toEqual(['job'])
})

test('SIGHUP is left alone', async () => {
  const ended = await signalApp('server.mjs', ['SIGHUP'], { endpoint: receiver.url })

  expect(ended).toMatchObject({ code: null, signal: 'SIGHUP' })
})

test('a collector that hangs holds the end up for TTS_OTEL_SHUTDOWN_TIMEOUT_MS and no longer', async () => {
  const silent = await startSilentServer()
  const startMs = performance.now()
  const ended = await signalApp('server.mjs', ['SIGTERM'], { endpoint: silent.url, env: { TTS_OTEL_SHUTDOWN_TIMEOUT_MS: '500' } })
  await silent.close()

  expect(ended).toMatchObject({ code: null, signal: 'SIGTERM' })
  expect(ended.stderr).toBe('') // nothing is lost: it waits on disk
  expect(performance.now() - startMs).toBeLessThan(8_000)
})

test('Ctrl-C that arrives twice at once counts once; repeated later it ends the wait', async () => {
  const twice = await signalApp('server.mjs', ['SIGINT', 'SIGINT'], { endpoint: receiver.url, gapMs: 20 })
  expect(twice).toMatchObject({ code: null, signal: 'SIGINT' })
  expect(names()).toEqual(['job'])

  const silent = await startSilentServer()
  const startMs = performance.now()
  const env = { TTS_OTEL_SHUTDOWN_TIMEOUT_MS: '15000' }
  const repeated = await signalApp('server.mjs', ['SIGINT', 'SIGINT'], { endpoint: silent.url, env, gapMs: 1_000 })
  await silent.close()
  expect(repeated).toMatchObject({ code: null, signal: 'SIGINT' })
  expect(performance.now() - startMs).toBeLessThan(10_000)
})

/** Takes every connection and says nothing. */
async function startSilentServer() {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => sockets.add(socket.on('error', () => {})))
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise<void>((closed) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => closed())
      }),
  }
}
