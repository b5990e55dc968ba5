import type { IncomingMessage } from 'node:http'
import { isLoopback } from '../loopback.ts'
import type { TokenCheck } from '../token.ts'
import type { Refused } from './answer.ts'

/**
 * Refuses what a web page in somebody's browser could send: a Host that is not ours (a name re-bound to our address), a foreign
 * Origin, or what the browser itself calls foreign, such as an image or a script (https://www.w3.org/TR/fetch-metadata/).
 *
 * The Host is checked while we listen on loopback, where nobody else has a reason to call; on other addresses any name may lead to us.
 */
export function refuseForeign(request: IncomingMessage, listensOnLoopback: boolean): Refused | undefined {
  const { host, origin } = request.headers
  if (listensOnLoopback && host !== undefined && !isLoopback(nameOf(host))) {
    return forbidden(
      `"${clip(host)}" is not a name of this collector, which listens on loopback. Call it as localhost or 127.0.0.1, or let it listen on another address (COLLECTOR_LISTEN).`,
    )
  }
  if (origin !== undefined && !isOwn(origin, host)) {
    return forbidden(
      `Requests from web pages of other origins ("${clip(origin)}") are not taken. Send from a server, or from a page that this collector serves.`,
    )
  }
  if (isFromElsewhere(request))
    return forbidden('A web page of another site asks for this. Open it in a tab of its own, or ask from a server.')
  return undefined
}

/** Refuses a request that does not show a token for sending. */
export function refuseUnauthorized(request: IncomingMessage, check: TokenCheck): Refused | undefined {
  const shown = check(request.headers.authorization)
  if (shown === 'known') return undefined
  const message =
    shown === 'wrong'
      ? 'The bearer token is not one of this collector (its INGEST_TOKEN).'
      : 'This collector wants "Authorization: Bearer <token>" (set OTEL_EXPORTER_OTLP_HEADERS to authorization=Bearer%20<token>).'
  return { kind: 'refused', status: 401, reason: 'unauthorized', message }
}

/** Without port, brackets and the dot of an absolute name; '' for what is no host. */
function nameOf(host: string): string {
  return parse(`http://${host}`)?.hostname.replace(/^\[|\]$|\.$/g, '') ?? ''
}

/** The scheme does not count: something in front may speak TLS for us. */
function isOwn(origin: string, host: string | undefined): boolean {
  const theirs = parse(origin)
  return theirs !== undefined && host !== undefined && theirs.host === parse(`${theirs.protocol}//${host}`)?.host
}

/** By the browser's own word; whoever is no browser says nothing. A link that somebody follows is no request of that page. */
function isFromElsewhere({ method, headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site']
  if (site === undefined || site === 'same-origin' || site === 'none') return false
  return !(method === 'GET' && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document')
}

function parse(url: string): URL | undefined {
  return URL.canParse(url) ? new URL(url) : undefined
}

function forbidden(message: string): Refused {
  return { kind: 'refused', status: 403, reason: 'forbidden', message }
}

function clip(text: string): string {
  return text.slice(0, 100)
}
