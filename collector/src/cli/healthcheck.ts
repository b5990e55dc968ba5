import { once } from 'node:events'
import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { connect, isIPv6 } from 'node:net'
import { parseArgs } from 'node:util'
import type { CollectorConfig } from '../config.ts'
import type { Command, CommandResult } from './command.ts'

const HELP = `tts-otel-collector healthcheck [--ready]

Asks the collector on this machine, at the port and over the TLS that its settings name, whether it lives (/livez); for probes of containers.
Where it asks for client certificates (COLLECTOR_TLS_CLIENT_CA) only the port is tried.

  --ready   whether it can take data now (/readyz)

Exit code: 0 yes, 1 no, 2 wrong usage.
`

/** Below the time limit that orchestrators give a probe. */
const TIMEOUT_MS = 2_500

/** `tts-otel-collector healthcheck`. */
export const healthcheck: Command = async function healthcheck({ words, configure }) {
  const usage = readUsage(words)
  if (usage.kind === 'said') return usage.result
  const config = configure()
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  try {
    if (config.tls?.clientCa === undefined) return toResult(await ask(usage.path, { config, signal }))
    await openPort(config, signal)
    return { code: 0 }
  } catch (error) {
    const reason = signal.aborted ? `no answer within ${TIMEOUT_MS} ms` : error instanceof Error ? error.message : error
    return { code: 1, stderr: `tts-otel-collector healthcheck: the collector is not reached: ${reason}\n` }
  }
}

type Usage = { readonly kind: 'said'; readonly result: CommandResult } | { readonly kind: 'ask'; readonly path: string }

function readUsage(words: readonly string[]): Usage {
  try {
    const options = { ready: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } } as const
    const { values } = parseArgs({ args: [...words], options })
    if (values.help) return { kind: 'said', result: { code: 0, stdout: HELP } }
    return { kind: 'ask', path: values.ready ? '/readyz' : '/livez' }
  } catch (error) {
    // parseArgs throws for an unknown option and says which.
    const message = error instanceof Error ? error.message : error
    return { kind: 'said', result: { code: 2, stderr: `tts-otel-collector healthcheck: ${message}\n\n${HELP}` } }
  }
}

function toResult({ status, body }: Answer): CommandResult {
  return status === 200 ? { code: 0 } : { code: 1, stderr: `tts-otel-collector healthcheck: ${status} ${body}\n` }
}

type Answer = { readonly status: number | undefined; readonly body: string }

async function ask(path: string, { config, signal }: { readonly config: CollectorConfig; readonly signal: AbortSignal }): Promise<Answer> {
  const target = { ...ownAddress(config), path, signal, agent: false }
  // Its certificate names the host that others call; here it is known where the answer comes from.
  const request = config.tls === undefined ? http.get(target) : https.get({ ...target, rejectUnauthorized: false })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const body = (await response.setEncoding('utf8').toArray()).join('')
  return { status: response.statusCode, body }
}

async function openPort(config: CollectorConfig, signal: AbortSignal): Promise<void> {
  const socket = connect(ownAddress(config))
  try {
    await once(socket, 'connect', { signal })
  } finally {
    socket.destroy()
  }
}

/** Where who listens on all addresses is found from here. */
function ownAddress({ listen: { host, port } }: CollectorConfig): { readonly host: string; readonly port: number } {
  if (host === '0.0.0.0') return { host: '127.0.0.1', port }
  return { host: isIPv6(host) && /^[0:]+$/.test(host) ? '::1' : host, port }
}
