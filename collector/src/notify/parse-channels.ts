import { readFileSync } from 'node:fs'
import { parseMailAddress } from '../mail-address.ts'
import { WEBHOOK_FORMATS, type WebhookFormat } from '../settings.ts'
import { parseWebhookSecrets, type WebhookSecret } from '../webhook-secret.ts'

/** A channel as a rules file describes it. */
export type ChannelConfig =
  | (HttpConfig & {
      readonly type: 'webhook'
      readonly format: WebhookFormat
      readonly secrets: readonly WebhookSecret[]
      readonly token?: string
    })
  | (HttpConfig & { readonly type: 'slack' })
  | (HttpConfig & { readonly type: 'alertmanager'; readonly token?: string })
  | { readonly type: 'pagerduty'; readonly routingKey: string; readonly url?: string; readonly ca?: string }
  /** Through the server and from the sender of the environment; to these of its recipients, or to all of them. */
  | { readonly type: 'email'; readonly to?: readonly string[] }

type HttpConfig = { readonly url: string; readonly ca?: string }

/** Channels by name, and one sentence for each thing that is wrong, without a secret in it. A channel with a problem is left out. */
export type ParsedChannels = { readonly channels: Readonly<Record<string, ChannelConfig>>; readonly problems: readonly string[] }

export type ParseChannelsOptions = {
  /** Text of a file that a `…_file` names; throws when there is none. Default: from disk. */
  readonly readFile?: (path: string) => string
}

const NAME = /^[a-z][a-z0-9_-]{0,62}$/i

/**
 * Reads the `channels:` of a rules file: a map from a name to `type` and what the type needs. Each text can be in a file
 * instead, which `url_file`, `secret_file`, `token_file`, `routing_key_file` or `ca_file` names. Never throws.
 */
export function parseChannels(value: unknown, { readFile = readText }: ParseChannelsOptions = {}): ParsedChannels {
  if (value === undefined || value === null) return { channels: {}, problems: [] }
  if (!isMap(value)) return { channels: {}, problems: ['channels is not a map from names to channels'] }
  const problems: string[] = []
  const channels = Object.entries(value).flatMap(([name, fields]) => {
    const found: string[] = []
    const channel = readChannel(name, fields, { found, readFile })
    problems.push(...found.map((problem) => `channels.${name}${problem}`))
    return channel === undefined || found.length > 0 ? [] : [[name, channel] as const]
  })
  return { channels: Object.fromEntries(channels), problems }
}

type Sources = { readonly found: string[]; readonly readFile: (path: string) => string }

function readChannel(name: string, value: unknown, { found, readFile }: Sources): ChannelConfig | undefined {
  if (!NAME.test(name)) found.push(': a name is a letter and up to 62 letters, digits, - and _')
  if (!isMap(value)) {
    found.push(' is not a map with a type')
    return undefined
  }
  const fields = createFields(value, { found, readFile })
  const type = fields.text('type')
  const read = type === undefined || !Object.hasOwn(TYPES, type) ? undefined : TYPES[type]
  if (read === undefined) {
    found.push(`.type is not one of ${Object.keys(TYPES).join(', ')}`)
    return undefined
  }
  const channel = read(fields)
  fields.refuseOthers()
  return channel
}

type Fields = ReturnType<typeof createFields>

const TYPES: Readonly<Record<string, (fields: Fields) => ChannelConfig | undefined>> = {
  webhook(fields) {
    const http = readHttp(fields)
    const format = fields.oneOf('format', WEBHOOK_FORMATS) ?? 'alertmanager'
    const secrets = fields.parsed('secret', parseWebhookSecrets, 'whsec_ and base64 of 24 to 64 random bytes') ?? []
    const token = readToken(fields)
    return http && { type: 'webhook', ...http, format, secrets, ...token }
  },
  slack(fields) {
    const http = readHttp(fields)
    return http && { type: 'slack', ...http }
  },
  alertmanager(fields) {
    const [http, token] = [readHttp(fields), readToken(fields)]
    return http && { type: 'alertmanager', ...http, ...token }
  },
  pagerduty(fields) {
    const routingKey = fields.parsed('routing_key', parseVisible, 'the integration key of PagerDuty (Events API v2)')
    const [url, ca] = [fields.parsed('url', parseHttpUrl, HTTP_URL), readCa(fields)]
    if (routingKey === undefined) fields.missing('routing_key')
    return routingKey === undefined ? undefined : { type: 'pagerduty', routingKey, ...(url !== undefined && { url }), ...ca }
  },
  email(fields) {
    const to = fields.list('to', parseMailAddress, 'a list of addresses like oncall@example.org')
    return { type: 'email', ...(to !== undefined && { to }) }
  },
}

const HTTP_URL = 'an https:// URL without user and password (http:// only in a network of ALERT_ALLOW_PRIVATE)'

function readHttp(fields: Fields): HttpConfig | undefined {
  const [url, ca] = [fields.parsed('url', parseHttpUrl, HTTP_URL), readCa(fields)]
  if (url === undefined) fields.missing('url')
  return url === undefined ? undefined : { url, ...ca }
}

function readToken(fields: Fields): { readonly token?: string } {
  const token = fields.parsed('token', parseVisible, 'a token of visible ASCII characters without spaces')
  return token === undefined ? {} : { token }
}

function readCa(fields: Fields): { readonly ca?: string } {
  const ca = fields.parsed('ca', (text) => (text.includes('-----BEGIN CERTIFICATE-----') ? text : undefined), 'certificates in PEM')
  return ca === undefined ? {} : { ca }
}

function parseHttpUrl(text: string): string | undefined {
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '' ? text : undefined
}

function parseVisible(text: string): string | undefined {
  return /^[\x21-\x7e]+$/.test(text) ? text : undefined
}

/** Reads the fields of one channel, each by the first that asks; what nobody asks for is a mistake of the file. */
function createFields(map: Readonly<Record<string, unknown>>, { found, readFile }: Sources) {
  const asked = new Set<string>()
  const wrong = new Set<string>()

  function complain(name: string, problem: string): undefined {
    wrong.add(name)
    found.push(`.${name} ${problem}`)
  }
  function text(name: string): string | undefined {
    asked.add(name)
    const value = map[name]
    if (value === undefined || value === null) return undefined
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : complain(name, 'is not a text')
  }
  /** The text, or that of the file. */
  function textOrFile(name: string): string | undefined {
    const [own, path] = [text(name), text(`${name}_file`)]
    if (path === undefined) return own
    if (own !== undefined) return complain(name, `and ${name}_file are both there; keep one of them`)
    const file = `${name}_file`
    try {
      return readFile(path).trim() || complain(file, `names ${path}, which is empty`)
    } catch (error) {
      return complain(file, `names ${path}, which cannot be read: ${error instanceof Error ? error.message : error}`)
    }
  }

  return {
    text,
    /** `expects` ends the sentence "… is not …"; the text itself is not shown. */
    parsed<T>(name: string, parse: (text: string) => T | undefined, expects: string): T | undefined {
      const given = textOrFile(name)
      return given === undefined ? undefined : (parse(given) ?? complain(name, `is not ${expects}`))
    },
    oneOf<T extends string>(name: string, allowed: readonly T[]): T | undefined {
      const given = text(name)
      return given === undefined ? undefined : (allowed.find((one) => one === given) ?? complain(name, `is not ${allowed.join(' or ')}`))
    },
    list<T>(name: string, parse: (text: string) => T | undefined, expects: string): readonly T[] | undefined {
      asked.add(name)
      const given = map[name]
      if (given === undefined || given === null) return undefined
      const items = (Array.isArray(given) ? given : [given]).map((item) => (typeof item === 'string' ? parse(item.trim()) : undefined))
      const valid = items.filter((item) => item !== undefined)
      return valid.length > 0 && valid.length === items.length ? valid : complain(name, `is not ${expects}`)
    },
    /** Said of a field that is needed, unless something was said of it. */
    missing(name: string): void {
      if (!wrong.has(name) && !wrong.has(`${name}_file`)) found.push(` has no ${name}`)
    },
    refuseOthers(): void {
      for (const name of Object.keys(map)) if (!asked.has(name)) found.push(`.${name} is not known; there are ${[...asked].join(', ')}`)
    },
  }
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function readText(path: string): string {
  return readFileSync(path, 'utf8')
}
