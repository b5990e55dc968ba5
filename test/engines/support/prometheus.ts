/** A Prometheus of the test's own that scrapes the jobs of deploy/prometheus.yml, every second and at other addresses. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse, stringify } from 'yaml'
import { answersOk, createDaemon, type Daemon } from './daemon.ts'
import { freePort } from './postgres.ts'

const CONFIG = fileURLToPath(new URL('../../../deploy/prometheus.yml', import.meta.url))

export type Sample = { readonly labels: Readonly<Record<string, string>>; readonly value: number }

export type Prometheus = Daemon & {
  /** Runs a query now; throws what Prometheus says against it. */
  query(text: string): Promise<readonly Sample[]>
  /** Ends it and removes its data. */
  remove(): Promise<void>
}

/** @param targets host:port of each job of deploy/prometheus.yml that is to be scraped */
export async function createPrometheus(targets: Readonly<Record<string, readonly string[]>>): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'tts-otel-prometheus-'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const config = join(folder, 'prometheus.yml')
  writeFileSync(config, scraping(targets))
  const daemon = createDaemon({
    name: 'Prometheus',
    program: '/usr/bin/prometheus',
    args: [`--config.file=${config}`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=127.0.0.1:${port}`],
    isReady: () => answersOk(`${url}/-/ready`),
  })
  return Object.assign(daemon, {
    async query(text: string) {
      const response = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query: text })}`)
      const answer: Answer = JSON.parse(await response.text())
      if (answer.status !== 'success') throw new Error(`${text}: ${answer.error}`)
      return answer.data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }))
    },
    async remove() {
      await daemon.end('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  })
}

type Answer =
  | {
      readonly status: 'success'
      readonly data: { readonly result: readonly { metric: Record<string, string>; value: [number, string] }[] }
    }
  | { readonly status: 'error'; readonly error: string }

type Scraping = { global: Record<string, string>; scrape_configs: { job_name: string; static_configs: { targets: readonly string[] }[] }[] }

function scraping(targets: Readonly<Record<string, readonly string[]>>): string {
  const config: Scraping = parse(readFileSync(CONFIG, 'utf8'))
  config.global = { scrape_interval: '1s', evaluation_interval: '1s' }
  for (const job of config.scrape_configs) job.static_configs = [{ targets: targets[job.job_name] ?? [] }]
  return stringify(config)
}
