/** An Alertmanager of the test's own: a free port, a temporary folder, gone afterwards. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './postgres.ts'

export type Alertmanager = {
  readonly url: string
  /** Resolves when the server takes alerts. */
  start(): Promise<void>
  /** As a power cut would: no goodbye to anybody. */
  killHard(): Promise<void>
  /** What `GET /api/v2/alerts` gives: the alerts that it holds to be firing. */
  alerts(): Promise<readonly { readonly labels: Readonly<Record<string, string>>; readonly endsAt: string }[]>
  /** Ends the server and removes its data. */
  remove(): Promise<void>
}

const START_MS_MAX = 15_000

/** One that tells `webhookUrl` of groups by alert name, at once, but of what `inhibitRules` keep quiet. {@link Alertmanager.start} starts it. */
export async function createAlertmanagerServer(webhookUrl: string, inhibitRules: readonly unknown[] = []): Promise<Alertmanager> {
  const folder = mkdtempSync(join(tmpdir(), 'tts-otel-alertmanager-'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const config = join(folder, 'alertmanager.yml')
  writeFileSync(
    config,
    JSON.stringify({
      route: { receiver: 'test', group_by: ['alertname'], group_wait: '10ms', group_interval: '1s', repeat_interval: '1h' },
      receivers: [{ name: 'test', webhook_configs: [{ url: webhookUrl }] }],
      inhibit_rules: inhibitRules,
    }),
  )
  const args = [
    `--config.file=${config}`,
    `--storage.path=${folder}/data`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--cluster.listen-address=',
  ]
  let server: ChildProcess | undefined

  async function killHard(): Promise<void> {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return
    const exit = once(server, 'exit')
    server.kill('SIGKILL')
    await exit
  }
  return {
    url,
    async start() {
      server = spawn(findProgram(), args, { stdio: 'ignore' })
      const deadlineMs = Date.now() + START_MS_MAX
      while (!(await isReady(url))) {
        if (server.exitCode !== null || Date.now() > deadlineMs) throw new Error(`Alertmanager did not start on port ${port}`)
        await sleep(50)
      }
    },
    killHard,
    alerts: async () => JSON.parse(await (await fetch(`${url}/api/v2/alerts?active=true`)).text()),
    async remove() {
      await killHard()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function findProgram(): string {
  const program = ['/usr/bin/prometheus-alertmanager', '/usr/local/bin/prometheus-alertmanager'].find((path) => existsSync(path))
  if (program === undefined) throw new Error('There is no Alertmanager here; run test/engines/setup.sh')
  return program
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/-/ready`)).ok
  } catch {
    return false
  }
}
