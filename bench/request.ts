/**
 * CPU that a set-up adds to one request: Fastify `GET /hello/:id` at 1,000 requests a second, HTTP server span and
 * duration histogram on, everything delivered to a counting OTLP server.
 *
 *   npm run bench:request -- [rounds, default 2]
 *
 * The server is pinned to core 0, load and receiver share core 1 (`taskset`, where the machine has it). Four seconds of
 * warm-up, ten counted; the CPU time is what `process.cpuUsage()` of the server says. Rounds are interleaved.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import autocannon from 'autocannon'
import { decode } from '../collector/src/receive/decode.ts'
import { figure, table, tellResults, words } from './results.ts'
import { describePeers, installPeers, listSetups, median, peersRequire, type Setup } from './setups.ts'

const rounds = Number(words[0] ?? 2)
const warmUpS = 4
const countedS = 10
const app = fileURLToPath(new URL('apps/hello.mjs', import.meta.url))
const canPin = spawnSync('taskset', ['-V']).status === 0

/** Requests of the counted time, and those of the warm-up with them. */
type Measured = { readonly cpuUs: number; readonly requests: number; readonly sent: number; readonly spans: number }

installPeers()
if (canPin) spawnSync('taskset', ['-pc', '1', String(process.pid)])
const setups = listSetups()
const measured = new Map<Setup, Measured[]>(setups.map((setup) => [setup, []]))
for (let round = 0; round < rounds; round++) for (const setup of setups) measured.get(setup)!.push(await measure(setup))

const perRequest = (values: readonly Measured[]) => median(values.map(({ cpuUs, requests }) => cpuUs / requests))
const sum = (values: readonly Measured[], of: 'sent' | 'spans') => values.reduce((total, value) => total + value[of], 0)
const bare = perRequest(measured.get(setups[0]!)!)
const hooked = perRequest(measured.get(setups.at(-1)!)!) - bare
const rows = [...measured].map(([setup, values]) => {
  const us = perRequest(values)
  const added = setup === setups[0] ? ['', '', ''] : [figure(us - bare, 1), figure((us - bare) / hooked, 2), figure(sum(values, 'spans'))]
  return [setup.name, figure(us, 1), ...added, figure(sum(values, 'sent'))]
})
tellResults({
  title: 'CPU of a request',
  script: 'bench:request',
  text: `CPU of the server in µs a request, Fastify at 1,000 requests a second, with server span and duration histogram. ${canPin ? 'The server has one core, load and receiver the other. ' : ''}${warmUpS} s of warm-up, ${countedS} s counted, medians of ${rounds} interleaved rounds. Spans and answers are those of the warm-up as well; a request that is under way when the load ends has a span, and is not counted as answered. ${describePeers()}

${table(['set-up', 'µs a request', 'added', 'of stock, ESM hook', 'server spans delivered', 'requests answered'], rows)}`,
})

async function measure({ flags, env }: Setup): Promise<Measured> {
  const receiver = await startCounter()
  const command = [process.execPath, ...flags, app]
  const pinned = canPin ? ['taskset', '-c', '0', ...command] : command
  const child = spawn(pinned[0]!, pinned.slice(1), {
    env: { PATH: process.env.PATH ?? '', OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, BENCH_REQUIRE_FROM: peersRequire, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const nextLine = lineReader(child)
  const url = `http://127.0.0.1:${await nextLine('port')}/hello/4711`
  const warmUp = await load(url, warmUpS)
  const before = await cpuOf(child, nextLine)
  const requests = await load(url, countedS)
  const cpuUs = (await cpuOf(child, nextLine)) - before
  const ended = new Promise((resolve) => child.once('exit', resolve))
  await receiver.waitForQuiet()
  child.kill('SIGKILL')
  await ended
  await receiver.close()
  return { cpuUs, requests, sent: warmUp + requests, spans: receiver.spans() }
}

async function load(url: string, seconds: number): Promise<number> {
  const { requests } = await autocannon({ url, connections: 10, overallRate: 1_000, duration: seconds })
  return requests.total
}

async function cpuOf(child: ChildProcess, nextLine: (word: string) => Promise<string>): Promise<number> {
  child.kill('SIGUSR2')
  return Number(await nextLine('cpu'))
}

function lineReader(child: ChildProcess): (word: string) => Promise<string> {
  const lines = createInterface({ input: child.stdout! })
  return (word) =>
    new Promise((resolve, reject) => {
      const onLine = (line: string) => {
        if (!line.startsWith(`${word} `)) return
        lines.off('line', onLine)
        resolve(line.slice(word.length + 1))
      }
      lines.on('line', onLine)
      child.once('exit', (code) => reject(new Error(`the benchmarked app ended with ${code}`)))
    })
}

/** An OTLP server that counts SERVER spans. */
async function startCounter() {
  let spans = 0
  let lastAt = performance.now()
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part)
    const encoding = request.headers['content-encoding']
    const raw = Buffer.concat(parts)
    const body = encoding === 'gzip' ? gunzipSync(raw) : encoding === 'zstd' ? zstdDecompressSync(raw) : raw
    const type = request.headers['content-type'] ?? ''
    if (request.url === '/v1/traces') {
      const batch = decode('traces', type.includes('json') ? 'json' : 'protobuf', body)
      if (batch.signal === 'traces') spans += batch.records.filter(({ kind }) => kind === 2).length
      lastAt = performance.now()
    }
    response.writeHead(200, { 'content-type': type }).end(type.includes('json') ? '{}' : undefined)
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: () => spans,
    /** Until nothing has arrived for 6 s (the stock batch delay is 5 s), 15 s at most. */
    async waitForQuiet() {
      const startedAt = performance.now()
      while (performance.now() - Math.max(lastAt, startedAt) < 6_000 && performance.now() - startedAt < 15_000) {
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
    },
    close: () =>
      new Promise<void>((closed) => {
        server.close(() => closed())
        server.closeAllConnections()
      }),
  }
}
