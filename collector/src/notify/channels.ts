import type { Send } from '../../../src/wire/outcome.ts'
import { ERRORS_CHANNEL } from '../error-report.ts'
import type { Notification } from '../notification.ts'
import type { NotifyConfig } from '../notify-config.ts'
import { createAlertmanager } from './alertmanager.ts'
import { createEmail } from './email.ts'
import { createErrorWebhook } from './error-webhook.ts'
import { createGuard, type GuardOptions } from './guard.ts'
import { createPagerDuty, PAGERDUTY_URL } from './pagerduty.ts'
import type { ChannelConfig } from './parse-channels.ts'
import type { Outside } from './post.ts'
import { createSlack } from './slack.ts'
import { createWebhook } from './webhook.ts'

export type ChannelsDeps = Pick<GuardOptions, 'resolve'> & {
  /** ms since 1970. */
  readonly now: () => number
}

/** What makes channels impossible, one sentence each, without secrets. */
export class ChannelsError extends Error {
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(`channels cannot be used: ${problems.join('; ')}`)
    this.problems = problems
  }
}

/**
 * The channels of the environment (`slack`, `webhook`, `email`, `errors`), and those that a rules file names.
 * Throws a {@link ChannelsError} with everything that is wrong with them; nothing is sent yet.
 */
export function createChannels(
  config: NotifyConfig & { readonly named?: Readonly<Record<string, ChannelConfig>> },
  { now, ...deps }: ChannelsDeps,
): Readonly<Record<string, Send<Notification>>> {
  const { named = {}, allow, proxy } = config
  const outside = { guard: createGuard({ ...allow, ...deps }), proxy, now }
  const own = ownMakers(config, outside)
  const others = Object.entries(named).map(([name, channel]) => [name, () => create(name, channel, { config, outside })] as const)

  const problems = Object.keys(named).flatMap((name) =>
    own.some(([known]) => known === name)
      ? [`there is a channel "${name}" in the rules file, and one in ${VARIABLES[name]}; rename or remove one`]
      : [],
  )
  const channels = [...own, ...others].flatMap(([name, make]) => {
    try {
      return [[name, make()] as const]
    } catch (error) {
      problems.push(`channel ${name}: ${error instanceof Error ? error.message : error}`)
      return []
    }
  })
  if (problems.length > 0) throw new ChannelsError(problems)
  return Object.fromEntries(channels)
}

const VARIABLES: Readonly<Record<string, string>> = {
  slack: 'SLACK_WEBHOOK_URL',
  webhook: 'ALERT_WEBHOOK_URL',
  email: 'SMTP_URL',
  [ERRORS_CHANNEL]: 'ERROR_WEBHOOK_URL',
}

type Maker = readonly [name: string, make: () => Send<Notification>]

function ownMakers({ slackUrl, webhook, email, errorsUrl }: NotifyConfig, outside: Outside): readonly Maker[] {
  const makers: Maker[] = []
  if (slackUrl !== undefined) makers.push(['slack', () => createSlack({ url: new URL(slackUrl) }, outside)])
  if (webhook !== undefined)
    makers.push(['webhook', () => createWebhook({ ...webhook, name: 'webhook', url: new URL(webhook.url) }, outside)])
  if (email !== undefined) makers.push(['email', () => createEmail(email, outside)])
  if (errorsUrl !== undefined) makers.push([ERRORS_CHANNEL, () => createErrorWebhook({ url: new URL(errorsUrl) }, outside)])
  return makers
}

type Surroundings = { readonly config: NotifyConfig; readonly outside: Outside }

function create(name: string, channel: ChannelConfig, { config, outside }: Surroundings): Send<Notification> {
  switch (channel.type) {
    case 'webhook':
      return createWebhook({ ...channel, name, url: new URL(channel.url) }, outside)
    case 'slack':
      return createSlack({ ...channel, url: new URL(channel.url) }, outside)
    case 'alertmanager':
      return createAlertmanager({ ...channel, url: new URL(channel.url) }, outside)
    case 'pagerduty':
      return createPagerDuty({ ...channel, url: new URL(channel.url ?? PAGERDUTY_URL) }, outside)
    case 'email':
      return createEmail({ ...serverOf(config), to: recipientsOf(channel.to, config) }, outside)
  }
}

function serverOf({ email }: NotifyConfig): NonNullable<NotifyConfig['email']> {
  if (email === undefined) throw new Error('there is no SMTP_URL, ALERT_EMAIL_FROM and ALERT_EMAIL_TO; set them')
  return email
}

/** A rules file is edited by more people than the environment: it chooses among the recipients that are set there, and adds none. */
function recipientsOf(to: readonly string[] | undefined, config: NotifyConfig): readonly string[] {
  const allowed = serverOf(config).to
  const others = (to ?? []).filter((address) => !allowed.includes(address))
  if (others.length > 0) throw new Error(`${others.join(', ')} is not in ALERT_EMAIL_TO; add it there`)
  return to ?? allowed
}
