import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Program, startProgram } from '../app/program.ts'
import { type FailingService, startService } from './failing-service.ts'
import { type Listener, startListener } from './listener.ts'

/** What a test of alerts needs: collectors, services that send to them, and a webhook that hears of it. */
export type AlertScene = {
  /** Holds `alerts.yaml`, which the test writes. */
  readonly folder: string
  /** Gets the alerts at `/alerts`. */
  readonly listener: Listener
  readonly start: (env?: Readonly<Record<string, string>>) => Promise<Program>
  readonly serve: (url: string) => FailingService
  readonly close: () => Promise<void>
}

export async function openAlertScene(): Promise<AlertScene> {
  const folder = mkdtempSync(join(tmpdir(), 'tts-otel-alerts-'))
  const listener = await startListener()
  const programs: Program[] = []
  const services: FailingService[] = []
  return {
    folder,
    listener,
    async start(env) {
      const program = await startProgram({
        COLLECTOR_DATA_DIR: folder,
        ALERT_RULES: join(folder, 'alerts.yaml'),
        ALERT_CHECK_INTERVAL: '1',
        ALERT_ALLOW_PRIVATE: '127.0.0.0/8',
        ALERT_WEBHOOK_URL: `${listener.url}/alerts`,
        ...env,
      })
      programs.push(program)
      return program
    },
    serve(url) {
      const service = startService(url)
      services.push(service)
      return service
    },
    async close() {
      await Promise.all(services.map((service) => service.stop()))
      await Promise.all(programs.map((program) => program.end('SIGKILL')))
      await listener.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
