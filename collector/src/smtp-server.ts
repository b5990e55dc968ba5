/** A server that takes e-mail. */
export type SmtpServer = {
  readonly host: string
  readonly port: number
  /** `implicit` from the first byte, `starttls` before anything is sent, `off` never. */
  readonly tls: 'implicit' | 'starttls' | 'off'
  readonly credentials: { readonly user: string; readonly pass: string } | undefined
}

/**
 * `smtps://user:password@host:465` (TLS), `smtp://user:password@host:587` (STARTTLS, which must succeed), or
 * `smtp://host:25?tls=off` (no TLS, so no password either); undefined for anything else.
 */
export function parseSmtpUrl(text: string): SmtpServer | undefined {
  const url = URL.parse(text)
  if (url === null || !isPlain(url)) return undefined
  const tls = tlsOf(url)
  const credentials = credentialsOf(url)
  if (tls === undefined || credentials === 'invalid' || (tls === 'off' && credentials !== undefined)) return undefined
  const port = Number(url.port || (tls === 'implicit' ? 465 : 587))
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port, tls, credentials }
}

/** A host, and nothing behind it but what is known: an unknown option would be one that somebody counts on. */
function isPlain({ hostname, pathname, search, hash }: URL): boolean {
  return hostname !== '' && /^\/?$/.test(pathname) && /^(\?tls=off)?$/.test(search) && hash === ''
}

function tlsOf({ protocol, port, search }: URL): SmtpServer['tls'] | undefined {
  if (protocol === 'smtps:') return search === '' ? 'implicit' : undefined
  if (protocol !== 'smtp:') return undefined
  if (search !== '') return 'off'
  // Port 465 speaks TLS from the first byte: both sides would wait for each other.
  return port === '465' ? undefined : 'starttls'
}

function credentialsOf({ username, password }: URL): SmtpServer['credentials'] | 'invalid' {
  if (username === '' && password === '') return undefined
  if (username === '' || password === '') return 'invalid'
  try {
    return { user: decodeURIComponent(username), pass: decodeURIComponent(password) }
  } catch {
    return 'invalid'
  }
}
