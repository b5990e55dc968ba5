/** A server as spans and metrics name it. */
export type Origin = { readonly address: string; readonly port: number; readonly scheme: string }

/** Origins come from the app, but it may take them from its users. */
const ORIGINS_MAX = 256
const URL_CHARS_MAX = 2_048
/** Parameters of protocols, whose values tell how a call was made and nothing about anybody. All others may be keys or the text to speak. */
const HARMLESS = new Set(['alt', 'api-version', 'pageSize', 'page_size', 'limit', 'prettyPrint'])

/** Parses the origins of URLs and remembers them; undefined for what is no URL. */
export function createOriginParser(): (url: string) => Origin | undefined {
  const known = new Map<string, Origin | undefined>()
  return function parseOrigin(url) {
    if (known.has(url)) return known.get(url)
    const origin = toOrigin(URL.parse(url))
    if (known.size >= ORIGINS_MAX) known.clear()
    known.set(url, origin)
    return origin
  }
}

function toOrigin(url: URL | null): Origin | undefined {
  if (!url) return undefined
  const scheme = url.protocol.slice(0, -1)
  const port = url.port === '' ? (scheme === 'https' ? 443 : 80) : Number(url.port)
  return { address: url.hostname, port, scheme }
}

/** `path` with the values of its query replaced by `REDACTED`; their names stay. */
export function redactQuery(path: string): string {
  const query = path.indexOf('?')
  if (query < 0) return path.slice(0, URL_CHARS_MAX)
  const parameters = path.slice(query + 1, URL_CHARS_MAX).split('&')
  return `${path.slice(0, Math.min(query, URL_CHARS_MAX))}?${parameters.map(redactParameter).join('&')}`
}

function redactParameter(parameter: string): string {
  const equals = parameter.indexOf('=')
  if (equals < 0) return HARMLESS.has(parameter) ? parameter : 'REDACTED'
  const name = parameter.slice(0, equals)
  return HARMLESS.has(name) ? parameter : `${name}=REDACTED`
}
