import type { AddressRange } from './address-range.ts'
import { createGuard, type Guard, smtpWayOf } from './notify/guard.ts'
import type { SettingsGetter, WebhookFormat } from './settings.ts'
import type { SmtpServer } from './smtp-server.ts'
import type { WebhookSecret } from './webhook-secret.ts'

/** Where notifications may go, as far as the environment says it. */
export type NotifyConfig = {
  /** The channel `slack`. */
  readonly slackUrl: string | undefined
  /** The channel `webhook`. */
  readonly webhook: { readonly url: string; readonly format: WebhookFormat; readonly secrets: readonly WebhookSecret[] } | undefined
  /** The channel `email`. */
  readonly email: { readonly server: SmtpServer; readonly from: string; readonly to: readonly string[] } | undefined
  /** The channel `errors`. */
  readonly errorsUrl: string | undefined
  readonly allow: { readonly ranges: readonly AddressRange[]; readonly ports: readonly number[] }
  readonly proxy: { readonly https: string | undefined; readonly no: string | undefined }
}

/** Reads the variables of channels; says what is wrong with them and what the guard would never let through. */
export function readNotify(get: SettingsGetter, problems: string[]): NotifyConfig {
  const allow = { ranges: get('ALERT_ALLOW_PRIVATE') ?? [], ports: get('ALERT_ALLOW_PORTS') ?? [] }
  const guard = createGuard(allow)
  const url = (name: UrlName) => readUrl(name, { get, guard, problems })
  const [webhookUrl, format, secrets] = [url('ALERT_WEBHOOK_URL'), get('ALERT_WEBHOOK_FORMAT'), get('ALERT_WEBHOOK_SECRET')]
  if (secrets !== undefined && webhookUrl === undefined)
    problems.push('ALERT_WEBHOOK_SECRET is set but ALERT_WEBHOOK_URL is not; set it, or remove the secret')
  return Object.freeze({
    slackUrl: url('SLACK_WEBHOOK_URL'),
    webhook: webhookUrl === undefined ? undefined : Object.freeze({ url: webhookUrl, format, secrets: secrets ?? [] }),
    email: readEmail(get, { guard, problems }),
    errorsUrl: url('ERROR_WEBHOOK_URL'),
    allow: Object.freeze(allow),
    proxy: Object.freeze({ https: get('HTTPS_PROXY'), no: get('NO_PROXY') }),
  })
}

/** Names of the channels for alerts that the environment sets up. */
export function environmentChannels({ slackUrl, webhook, email }: NotifyConfig): readonly string[] {
  return Object.entries({ slack: slackUrl, webhook, email }).flatMap(([name, channel]) => (channel === undefined ? [] : [name]))
}

type Check = { readonly guard: Guard; readonly problems: string[] }

type UrlName = 'SLACK_WEBHOOK_URL' | 'ALERT_WEBHOOK_URL' | 'ERROR_WEBHOOK_URL'

function readUrl(name: UrlName, { get, guard, problems }: Check & { readonly get: SettingsGetter }): string | undefined {
  const address = get(name)
  const problem = address === undefined ? undefined : guard.checkUrl(new URL(address))
  if (problem !== undefined) problems.push(`${name} ${problem}`)
  return address
}

function readEmail(get: SettingsGetter, { guard, problems }: Check): NotifyConfig['email'] {
  const [server, from, to] = [get('SMTP_URL'), get('ALERT_EMAIL_FROM'), get('ALERT_EMAIL_TO')]
  if (server !== undefined && from !== undefined && to !== undefined) {
    const problem = guard.checkHost(server.host, smtpWayOf(server))
    if (problem !== undefined) problems.push(`SMTP_URL ${problem}`)
    return Object.freeze({ server, from, to })
  }
  if (server !== undefined || from !== undefined || to !== undefined)
    problems.push('SMTP_URL, ALERT_EMAIL_FROM and ALERT_EMAIL_TO belong together; set all three, or none')
  return undefined
}
