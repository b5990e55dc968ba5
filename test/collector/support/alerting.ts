import { join } from 'node:path'
import { type Alerting, type AlertingOptions, openAlerting } from '../../../collector/src/alerting.ts'
import { createSoleLeadership } from '../../../collector/src/leadership.ts'

export type AlertingScene = Partial<AlertingOptions> & {
  readonly folder: string
  /** The rules file. */
  readonly rules?: string
  /** Of a webhook on loopback. */
  readonly webhookUrl?: string
  readonly errorsUrl?: string
  readonly checkIntervalMs?: number
}

/** Alerts of one collector in this process, which decides alone unless it is told otherwise. */
export function alertingIn({
  folder,
  rules = 'rules: []',
  webhookUrl,
  errorsUrl,
  checkIntervalMs = 100,
  ...others
}: AlertingScene): Alerting {
  return openAlerting({
    config: { rules: { file: 'alerts.yaml', text: rules }, inFile: false, checkIntervalMs },
    notify: {
      slackUrl: undefined,
      webhook: webhookUrl === undefined ? undefined : { url: webhookUrl, format: 'alertmanager', secrets: [] },
      email: undefined,
      errorsUrl,
      allow: { ranges: [{ address: '127.0.0.0', prefix: 8 }], ports: [] },
      proxy: { https: undefined, no: undefined },
    },
    file: join(folder, 'memory.jsonl'),
    takeFile: () => () => undefined,
    leadership: createSoleLeadership(),
    table: undefined,
    now: Date.now,
    random: Math.random,
    warn: () => undefined,
    ...others,
  })
}
